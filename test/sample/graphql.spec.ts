import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Answer } from '../support/app.js';
import { call } from '../support/app.js';
import { CompiledProgram } from '../support/process/compiled-program.js';
import { PASSWORD } from '../support/process/sample.js';
import { TestProcess } from '../support/process/test-process.js';

const SOURCES = 'sample/03-graphql/src';

class Server extends TestProcess {
  async listening(): Promise<this> {
    await this.started(() => this.port !== 0);
    return this;
  }

  ask(query: string, headers: Record<string, string> = {}): Promise<Answer> {
    return call({ port: this.port, path: '/graphql', method: 'POST', headers, body: { query } });
  }

  async signIn(): Promise<{ access_token: string; refresh_token: string }> {
    const query = `mutation { login(username: "alice", password: "${PASSWORD}") { access_token refresh_token } }`;
    return (await this.ask(query)).json<{ data: { login: { access_token: string; refresh_token: string } } }>().data.login;
  }

  private get port(): number {
    return Number(/listening on http:\/\/127\.0\.0\.1:(\d+)/.exec(this.log)?.[1] ?? 0);
  }
}

describe('the sample of GraphQL', () => {
  let program: CompiledProgram;
  let server: Server;
  beforeAll(async () => {
    program = new CompiledProgram(SOURCES);
    server = await new Server(program.spawn(`${SOURCES}/main.ts`, { env: { PORT: '0' } })).listening();
  }, 60_000);
  afterAll(async () => {
    await server.stop();
    program.dispose();
  });

  it('signs in, and knows the caller of queries and mutations', async () => {
    const { access_token: access } = await server.signIn();
    const headers = { authorization: `Bearer ${access}` };
    expect((await server.ask('mutation { addNote(text: "milk") { id text } }', headers)).json()).toEqual({
      data: { addNote: { id: '1', text: 'milk' } },
    });
    expect((await server.ask('{ myNotes { text } greeting }', headers)).json()).toEqual({
      data: { myNotes: [{ text: 'milk' }], greeting: 'Hello, alice!' },
    });
    expect((await server.ask('mutation { deleteAllNotes }', headers)).json()).toEqual({ data: { deleteAllNotes: true } });
  });

  it('refreshes inside an operation', async () => {
    const { refresh_token: refresh } = await server.signIn();
    const answer = await server.ask('{ greeting myNotes { text } }', { 'x-refresh-token': refresh });
    expect(answer.json()).toMatchObject({ data: { myNotes: [] } });
    expect(answer.headers['x-refresh-token']).toHaveLength(56);
  });

  it('refuses a query without a token with a stable code, and opens what is marked', async () => {
    const errors = [{ message: 'access token is missing', extensions: { code: 'token_missing', status: 401 } }];
    expect((await server.ask('{ myNotes { text } }')).json()).toMatchObject({ data: null, errors });
    expect((await server.ask('{ greeting }')).json()).toEqual({ data: { greeting: 'Hello, stranger!' } });
  });

  it('refreshes and signs out by mutations', async () => {
    const { refresh_token: first } = await server.signIn();
    const renewed = await server.ask('mutation { renew { access_token refresh_token } }', { 'x-refresh-token': first });
    const { access_token: access, refresh_token: refresh } = renewed.json<{ data: { renew: Record<string, string> } }>().data.renew;
    expect((await server.ask('mutation { logout }', { 'x-refresh-token': refresh! })).json()).toEqual({ data: { logout: true } });
    const refused = await server.ask('{ myNotes { text } }', { authorization: `Bearer ${access!}` });
    expect(refused.json()).toMatchObject({ errors: [{ extensions: { code: 'token_revoked', signIn: true } }] });
  });
});
