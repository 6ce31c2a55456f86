import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { ChildProcess } from 'node:child_process';
import type { Answer, CallOptions } from '../support/app.js';
import { call } from '../support/app.js';
import { CompiledProgram } from '../support/process/compiled-program.js';
import { PASSWORD } from '../support/process/sample.js';
import { TestProcess } from '../support/process/test-process.js';

const SOURCES = 'sample/06-resource-server/src';
/** Refuses to load TypeORM, and everything that talks to a database. */
const NO_DATABASE = `data:text/javascript,${encodeURIComponent(`
  import { register } from 'node:module';
  register('data:text/javascript,' + encodeURIComponent(
    'export async function resolve(name, context, next) {' +
    '  if (/typeorm|sqlite|ioredis/.test(name)) throw new Error("loads " + name);' +
    '  return next(name, context);' +
    '}'));
`)}`;

class Server extends TestProcess {
  constructor(private readonly process: ChildProcess) {
    super(process);
  }

  get port(): number {
    return Number(/listening on http:\/\/127\.0\.0\.1:(\d+)/.exec(this.log)?.[1] ?? 0);
  }

  async listening(): Promise<this> {
    await this.started(() => this.port !== 0);
    return this;
  }

  /** Takes the rotation of the key one phase further. */
  async rotate(phase: string): Promise<void> {
    this.process.kill('SIGHUP');
    await this.started(() => this.log.includes(phase));
  }

  call(path: string, options: CallOptions = {}): Promise<Answer> {
    return call({ port: this.port, path, ...options });
  }

  async signIn(): Promise<string> {
    const response = await this.call('/auth/login', { method: 'POST', body: { username: 'alice', password: PASSWORD } });
    return response.json<{ access_token: string }>().access_token;
  }

  get(path: string, token: string): Promise<Answer> {
    return this.call(path, { headers: { authorization: `Bearer ${token}` } });
  }
}

describe('the sample of a resource server', () => {
  let program: CompiledProgram;
  const running: Server[] = [];
  beforeAll(() => {
    program = new CompiledProgram(SOURCES);
  });
  afterEach(() => Promise.all(running.splice(0).map((server) => server.stop())));
  afterAll(() => program.dispose());

  function start(main: string, env: Record<string, string> = {}): Promise<Server> {
    const server = new Server(program.spawn(`${SOURCES}/${main}`, { env: { PORT: '0', ...env } }));
    running.push(server);
    return server.listening();
  }
  const startResource = (auth: Server) =>
    start('main.ts', { AUTH_SERVER: `http://127.0.0.1:${auth.port}`, NODE_OPTIONS: `--import ${NO_DATABASE}` });

  it('accepts the tokens of the auth server, and loads neither TypeORM nor a driver', async () => {
    const auth = await start('auth-server/main.ts');
    const resource = await startResource(auth);
    const token = await auth.signIn();
    expect((await resource.get('/reports', token)).json()).toEqual({ reports: ['a report for alice'] });
    expect((await resource.call('/reports')).status).toBe(401);
    expect((await resource.get('/reports', `${token.slice(0, -4)}AAAA`)).status).toBe(401);
  }, 60_000);

  it('KY-05 follows a rotation of the key in three phases, without a restart and without a 401', async () => {
    const auth = await start('auth-server/main.ts');
    const resource = await startResource(auth);
    const old = await auth.signIn();
    const statuses = [(await resource.get('/reports', old)).status];
    await auth.rotate('a new key is published');
    statuses.push((await resource.get('/reports', await auth.signIn())).status);
    await auth.rotate('the new key signs');
    const fresh = await auth.signIn();
    statuses.push((await resource.get('/reports', fresh)).status, (await resource.get('/reports', old)).status);
    await auth.rotate('the old key is retired');
    statuses.push((await resource.get('/reports', fresh)).status, (await resource.get('/reports', await auth.signIn())).status);
    expect(statuses).toEqual([200, 200, 200, 200, 200, 200]);
    expect((await auth.call('/.well-known/jwks.json')).json<{ keys: object[] }>().keys).toHaveLength(1);
  }, 60_000);

  it('serves on while the auth server is down', async () => {
    const auth = await start('auth-server/main.ts');
    const resource = await startResource(auth);
    const token = await auth.signIn();
    await auth.stop();
    expect((await resource.get('/reports', token)).status).toBe(200);
  }, 60_000);

  it('has an auth server that needs TypeORM, and does not start where it is refused', async () => {
    const auth = new Server(
      program.spawn(`${SOURCES}/auth-server/main.ts`, { env: { PORT: '0', NODE_OPTIONS: `--import ${NO_DATABASE}` } }),
    );
    running.push(auth);
    expect(await auth.ended).not.toBe(0);
    expect(auth.log).toMatch(/loads .*typeorm/);
  }, 60_000);
});
