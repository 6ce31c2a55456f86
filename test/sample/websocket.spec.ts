import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { Socket } from 'socket.io-client';
import { io } from 'socket.io-client';
import { call } from '../support/app.js';
import { CompiledProgram } from '../support/process/compiled-program.js';
import { PASSWORD } from '../support/process/sample.js';
import { TestProcess } from '../support/process/test-process.js';

const SOURCES = 'sample/04-websocket/src';

interface Pair {
  access_token: string;
  refresh_token: string;
}

class Server extends TestProcess {
  get port(): number {
    return Number(/listening on http:\/\/127\.0\.0\.1:(\d+)/.exec(this.log)?.[1] ?? 0);
  }

  async listening(): Promise<this> {
    await this.started(() => this.port !== 0);
    return this;
  }

  async post(path: string, body?: object, refreshToken?: string): Promise<Pair> {
    const headers = refreshToken === undefined ? {} : { 'x-refresh-token': refreshToken };
    const { text } = await call({ port: this.port, path: `/auth/${path}`, method: 'POST', headers, ...(body && { body }) });
    return (text === '' ? {} : JSON.parse(text)) as Pair;
  }

  signIn(username: string): Promise<Pair> {
    return this.post('login', { username, password: PASSWORD });
  }
}

describe('the sample of a WebSocket gateway', () => {
  let program: CompiledProgram;
  let server: Server;
  const sockets: Socket[] = [];
  beforeAll(async () => {
    program = new CompiledProgram(SOURCES);
    server = await new Server(program.spawn(`${SOURCES}/main.ts`, { env: { PORT: '0' } })).listening();
  }, 60_000);
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.close();
  });
  afterAll(async () => {
    await server.stop();
    program.dispose();
  });

  const connect = (token?: string): Socket => {
    const auth = token === undefined ? {} : { token };
    const socket = io(`http://127.0.0.1:${server.port}`, { auth, reconnection: false, forceNew: true, transports: ['websocket'] });
    sockets.push(socket);
    return socket;
  };
  const next = (socket: Socket, event: string): Promise<unknown> => new Promise((resolve) => socket.once(event, resolve));

  it('lets users with a good token talk, each under his own name', async () => {
    const [alice, bob] = await Promise.all(['alice', 'bob'].map((name) => server.signIn(name)));
    const listener = connect(alice!.access_token);
    expect(await next(listener, 'joined')).toBe('alice');
    const speaker = connect(bob!.access_token);
    expect(await next(listener, 'joined')).toBe('bob');
    speaker.emit('say', 'hello');
    expect(await next(listener, 'said')).toEqual({ from: 'bob', text: 'hello' });
  }, 30_000);

  it('refuses a socket without a token', async () => {
    expect(await next(connect(), 'connect_error')).toMatchObject({ data: { errorCode: 'token_missing' } });
  }, 30_000);

  it('takes a new token on the open socket, and closes the socket at the sign-out', async () => {
    const first = await server.signIn('alice');
    const socket = connect(first.access_token);
    await next(socket, 'connect');
    const second = await server.post('refresh', undefined, first.refresh_token);
    expect(await socket.emitWithAck('authenticate', { token: second.access_token })).toEqual({ exp: expect.any(Number) });
    const ended = Promise.all([next(socket, 'exception'), next(socket, 'disconnect')]);
    await server.post('logout', undefined, second.refresh_token);
    expect(await ended).toEqual([{ status: 'error', errorCode: 'token_revoked', message: expect.any(String) }, 'io server disconnect']);
  }, 30_000);
});
