import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer, CallOptions } from '../support/app.js';
import { call } from '../support/app.js';
import { freePorts } from '../support/free-ports.js';
import { CompiledProgram } from '../support/process/compiled-program.js';
import { PASSWORD } from '../support/process/sample.js';
import { TestProcess } from '../support/process/test-process.js';

const SOURCES = 'sample/05-microservice/src';

class Service extends TestProcess {
  async says(line: string): Promise<this> {
    await this.started(() => this.log.includes(line));
    return this;
  }
}

describe('the sample of a microservice', () => {
  let program: CompiledProgram;
  let port: number;
  let reportsPort: number;
  const running: Service[] = [];
  beforeAll(async () => {
    program = new CompiledProgram(SOURCES);
    [port, reportsPort] = (await freePorts(2)) as [number, number];
  });
  afterEach(() => Promise.all(running.splice(0).map((service) => service.stop())));
  afterAll(() => program.dispose());

  function start(main: string, line: string): Promise<Service> {
    const env = { PORT: String(port), REPORTS_PORT: String(reportsPort), GATEWAY: `http://127.0.0.1:${port}` };
    const service = new Service(program.spawn(`${SOURCES}/${main}`, { env }));
    running.push(service);
    return service.says(line);
  }
  const startGateway = (): Promise<Service> => start('gateway/main.ts', '[Gateway] listening');
  const startReports = (): Promise<Service> => start('reports/main.ts', '[Reports] listening');
  const ask = (path: string, options: CallOptions = {}): Promise<Answer> => call({ port, path, ...options });
  const signIn = async (): Promise<{ access_token: string; refresh_token: string }> =>
    (await ask('/auth/login', { method: 'POST', body: { username: 'alice', password: PASSWORD } })).json();

  it('answers to a caller of the gateway, whose token the gateway passes on', async () => {
    await startGateway();
    await startReports();
    const { access_token: access } = await signIn();
    const headers = { authorization: `Bearer ${access}` };
    const report = { reports: ['the report of 2026-11 for alice'], opened: 0 };
    expect((await ask('/reports/2026-11', { headers })).json()).toEqual(report);
    expect((await ask('/reports/2026-11')).status).toBe(401);
    expect((await ask('/reports/2026-11/opened', { method: 'POST', headers })).status).toBe(202);
    let opened = 0;
    for (let turn = 0; turn < 100 && opened === 0; turn += 1) {
      await sleep(20);
      ({ opened } = (await ask('/reports/2026-11', { headers })).json<{ opened: number }>());
    }
    expect(opened).toBe(1);
  }, 60_000);

  it('gets the new token after a refresh inside the request', async () => {
    await startGateway();
    await startReports();
    const { refresh_token: refresh } = await signIn();
    const answer = await ask('/reports/2026-11', { headers: { 'x-refresh-token': refresh } });
    expect([answer.status, answer.json()['reports']]).toEqual([200, ['the report of 2026-11 for alice']]);
    expect(answer.headers['x-refresh-token']).toHaveLength(56);
  }, 60_000);

  it('is a fault of the gateway when it is down, and not one of the token', async () => {
    await startGateway();
    const { access_token: access } = await signIn();
    expect((await ask('/reports/2026-11', { headers: { authorization: `Bearer ${access}` } })).status).toBe(502);
  }, 60_000);

  it('starts together with the gateway', async () => {
    await start('main.ts', '[Reports] listening');
    const { access_token: access } = await signIn();
    expect((await ask('/reports/2026-11', { headers: { authorization: `Bearer ${access}` } })).status).toBe(200);
  }, 60_000);
});
