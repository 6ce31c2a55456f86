import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import type { Answer, CallOptions } from '../support/app.js';
import { call } from '../support/app.js';
import { describeWith, REDIS_PORT } from '../support/needs.js';
import { CompiledProgram } from '../support/process/compiled-program.js';
import { PASSWORD } from '../support/process/sample.js';
import { TestProcess } from '../support/process/test-process.js';

const SOURCES = 'sample/07-own-repository/src';
const MAIN = `${SOURCES}/main.ts`;
/** Refuses to load TypeORM and its drivers. */
const NO_TYPEORM = `data:text/javascript,${encodeURIComponent(`
  import { register } from 'node:module';
  register('data:text/javascript,' + encodeURIComponent(
    'export async function resolve(name, context, next) {' +
    '  if (/typeorm|sqlite/.test(name)) throw new Error("loads " + name);' +
    '  return next(name, context);' +
    '}'));
`)}`;

interface Pair {
  readonly access_token: string;
  readonly refresh_token: string;
}

class Server extends TestProcess {
  get port(): number {
    return Number(/listening on http:\/\/127\.0\.0\.1:(\d+)/.exec(this.log)?.[1] ?? 0);
  }

  async listening(): Promise<this> {
    await this.started(() => this.port !== 0);
    return this;
  }

  call(path: string, options: CallOptions = {}): Promise<Answer> {
    return call({ port: this.port, path, ...options });
  }

  async signIn(): Promise<Pair> {
    const response = await this.call('/auth/login', { method: 'POST', body: { username: 'alice', password: PASSWORD } });
    return response.json();
  }

  refresh({ refresh_token }: Pair): Promise<Answer> {
    return this.call('/auth/refresh', { method: 'POST', headers: { 'x-refresh-token': refresh_token } });
  }

  me({ access_token }: Pair): Promise<Answer> {
    return this.call('/me', { headers: { authorization: `Bearer ${access_token}` } });
  }
}

const describeHere = await describeWith('redis');

describeHere('the sample with a repository of its own', () => {
  let program: CompiledProgram;
  let redis: Redis;
  let prefix: string;
  const running: Server[] = [];
  beforeAll(() => {
    program = new CompiledProgram(SOURCES);
    redis = new Redis(REDIS_PORT, '127.0.0.1', { maxRetriesPerRequest: 1 });
  });
  afterEach(async () => {
    await Promise.all(running.splice(0).map((server) => server.stop()));
    for await (const keys of redis.scanStream({ match: `${prefix}*` }))
      if ((keys as string[]).length > 0) await redis.unlink(keys as string[]);
  });
  afterAll(() => {
    redis.disconnect();
    program.dispose();
  });

  function start(env: Record<string, string> = {}): Server {
    const given = { PORT: '0', TOKEN_SECRET: 'own-repository-8f1c0e5b7d2a4936-a', REDIS_URL: `redis://127.0.0.1:${REDIS_PORT}` };
    const child: ChildProcess = program.spawn(MAIN, {
      env: { ...given, REDIS_PREFIX: prefix, NODE_OPTIONS: `--import ${NO_TYPEORM}`, ...env },
    });
    const server = new Server(child);
    running.push(server);
    return server;
  }
  async function startTwo(): Promise<[Server, Server]> {
    prefix = `nestjs-token-test-${randomUUID()}`;
    return Promise.all([start().listening(), start().listening()]);
  }

  it('shares sessions between processes through Redis, and loads no TypeORM', async () => {
    const [one, other] = await startTwo();
    const pair = await one.signIn();
    expect((await other.me(pair)).json()).toMatchObject({ sub: 'alice' });
    const answers = await Promise.all([one, other, one, other, one, other].map((server) => server.refresh(pair)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 200]);
    expect(new Set(answers.map((answer) => answer.json<Pair>().refresh_token)).size).toBe(1);
  }, 60_000);

  it('RV-01 ends a session on both processes, and RV-04 says the same for a token that is none', async () => {
    const [one, other] = await startTwo();
    const pair = await one.signIn();
    const signOut = (token: string) => one.call('/auth/logout', { method: 'POST', headers: { 'x-refresh-token': token } });
    expect((await signOut(pair.refresh_token)).status).toBe(204);
    expect((await signOut('ntr_nothing')).status).toBe(204);
    expect((await one.me(pair)).status).toBe(401);
    await expect(statusBecomes(401, () => other.me(pair))).resolves.toBe(401);
    expect((await other.refresh(pair)).status).toBe(401);
  }, 60_000);

  it('keeps sessions across a restart of the application', async () => {
    const [one, other] = await startTwo();
    const pair = await one.signIn();
    await Promise.all([one.stop(), other.stop()]);
    const again = await start().listening();
    expect((await again.refresh(pair)).status).toBe(200);
    expect((await again.call('/auth/sessions', { headers: { authorization: `Bearer ${pair.access_token}` } })).json()).toHaveLength(1);
  }, 60_000);

  it('does not start where Redis cannot be reached', async () => {
    prefix = `nestjs-token-test-${randomUUID()}`;
    const server = start({ REDIS_URL: 'redis://127.0.0.1:1' });
    expect(await server.ended).not.toBe(0);
  }, 60_000);
});

/** Asks until the status is right, for at most two seconds. */
async function statusBecomes(status: number, ask: () => Promise<Answer>): Promise<number> {
  const end = performance.now() + 2_000;
  for (;;) {
    const answer = await ask();
    if (answer.status === status || performance.now() > end) return answer.status;
  }
}
