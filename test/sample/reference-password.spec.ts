import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { SessionSummary } from 'nestjs-token';
import { RefreshService, TokenRepository } from 'nestjs-token';
import { EventEmitter, once } from 'node:events';
import { AccountsModule } from '../../sample/90-reference/src/accounts/accounts.module.js';
import { AuthController } from '../../sample/90-reference/src/auth/auth.controller.js';
import type { Answer, TestApp } from '../support/app.js';
import { ADAPTERS, startApp } from '../support/app.js';
import type { PairBody } from '../support/process/sample.js';
import { headersOf, PASSWORD } from '../support/process/sample.js';

const NEW = 'a new password';

describe.each(ADAPTERS)('POST /auth/password of the reference sample on %s', (adapter) => {
  let running: TestApp;
  beforeEach(async () => {
    running = await startApp({ adapter, controllers: [AuthController], imports: [AccountsModule] });
  });
  afterEach(() => running.close());

  const login = (password: string, username = 'alice'): Promise<Answer> =>
    running.call('/auth/login', { method: 'POST', body: { username, password } });
  const signIn = async (): Promise<PairBody> => (await login(PASSWORD)).json<PairBody>();
  const change = (pair: Partial<PairBody>, body: unknown): Promise<Answer> =>
    running.call('/auth/password', { method: 'POST', headers: headersOf(pair), body });
  const open = async (): Promise<string[]> =>
    (await running.app.get(RefreshService).sessions('alice')).map(({ sessionId }: SessionSummary) => sessionId);

  it('stores the password and ends all other sessions of the caller (F-23)', async () => {
    const [own] = [await signIn(), await signIn(), await login(PASSWORD, 'bob')];
    expect((await change(own, { password: NEW })).status).toBe(204);
    expect(await open()).toEqual([own.session_id]);
    expect([(await login(PASSWORD)).status, (await login(NEW)).status, (await login(PASSWORD, 'bob')).status]).toEqual([401, 200, 200]);
  });

  it('wants a caller and a password, and changes nothing otherwise (F-23)', async () => {
    const own = await signIn();
    const bodies = [{}, { password: '' }, { password: 5 }, { password: 'x'.repeat(1_025) }, []];
    const answers = await Promise.all([change({}, { password: NEW }), ...bodies.map((body) => change(own, body))]);
    expect(answers.map(({ status }) => status)).toEqual([401, ...bodies.map(() => 400)]);
    expect((await login(PASSWORD)).status).toBe(200);
  });

  it('lets no sign-in with the old password survive that stored its session after the others had been ended (F-23)', async () => {
    const own = await signIn();
    const { reached, release } = holdNextInsert(running.app.get(TokenRepository, { strict: false }));
    const late = login(PASSWORD);
    await reached;
    expect((await change(own, { password: NEW })).status).toBe(204);
    release();
    expect((await late).status).toBe(401);
    expect(await open()).toEqual([own.session_id]);
  });
});

/** Holds the next sign-in back when its password has been checked. */
function holdNextInsert(repository: TokenRepository): { reached: Promise<unknown>; release: () => void } {
  const insert = repository.insert.bind(repository);
  const gate = new EventEmitter();
  const [reached, released] = [once(gate, 'reached'), once(gate, 'released')];
  jest.spyOn(repository, 'insert').mockImplementationOnce(async (session) => {
    gate.emit('reached');
    await released;
    return insert(session);
  });
  return { reached, release: () => void gate.emit('released') };
}
