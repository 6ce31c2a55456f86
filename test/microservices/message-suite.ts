import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ClientProxy } from '@nestjs/microservices';
import type { TokenPair } from 'nestjs-token';
import { RefreshService, TOKEN_ERRORS } from 'nestjs-token';
import { FakeClock } from 'nestjs-token/testing';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AppSetup } from '../support/app.js';
import type { MessageApp, MessageTransport } from '../support/message-app.js';
import { EVENTS, startMessages } from '../support/message-app.js';

/** How a client attaches an access token to a payload. Some transports attach it to the client's messages instead. */
export type Carrier = (payload: object, token: string, client: ClientProxy) => unknown;

/** What the guard does with messages, however they travel, and however they carry their tokens. */
export function describeMessages(title: string, transport: MessageTransport, carry: Carrier): void {
  describe(title, () => {
    let app: MessageApp;
    let clock: FakeClock;
    let outcomes: string[];
    const start = async (setup: AppSetup = {}): Promise<void> => {
      clock = new FakeClock(Date.now());
      outcomes = [];
      const options = {
        rpc: { field: 'accessToken' },
        onEvent: ({ type }: { type: string }) => void outcomes.push(type),
        ...setup.options,
      };
      app = await startMessages(transport, { clock, ...setup, options });
    };
    beforeEach(() => void EVENTS.splice(0));
    afterEach(() => app.close());

    const signIn = (subject = 'alice'): Promise<TokenPair> => app.app.get(RefreshService).signIn(subject);
    const withToken = (token: string, payload: object = {}): unknown => carry(payload, token, app.client);
    const failureOf = (errorCode: keyof typeof TOKEN_ERRORS): object => ({
      status: 'error',
      message: TOKEN_ERRORS[errorCode].message,
      errorCode,
    });
    /** Waits until an event that was sent later has been handled: those before it have been, too. */
    const handled = async (count: number): Promise<void> => {
      for (let turn = 0; turn < 200 && EVENTS.length < count; turn += 1) await sleep(10);
    };

    it('knows the caller and its session', async () => {
      await start();
      const { accessToken, sessionId } = await signIn();
      expect(await app.send('guarded', withToken(accessToken, { month: 7 }))).toEqual({
        payload: { month: 7 },
        sub: 'alice',
        session: sessionId,
      });
    });

    it('gives no handler the token, also if two guards stand before it (LG-01)', async () => {
      await start();
      const { accessToken } = await signIn();
      expect(await app.send('twice', withToken(accessToken, { month: 7 }))).toEqual({ payload: { month: 7 }, sub: 'alice' });
      expect(await app.send('optional', withToken(accessToken, { month: 7 }))).toEqual({ payload: { month: 7 }, sub: 'alice' });
    });

    it('gives a handler the token that asks for it, to call another service', async () => {
      await start();
      const { accessToken } = await signIn();
      expect(await app.send('forward', withToken(accessToken))).toBe(accessToken);
    });

    it('never mixes the callers of messages that are handled at a time', async () => {
      // Later messages are done earlier.
      const loadUser = async (subject: string): Promise<object> => {
        await sleep(100 - Number(subject));
        return {};
      };
      await start({ options: { loadUser } });
      const subjects = Array.from({ length: 50 }, (_, index) => String(index));
      const pairs = await Promise.all(subjects.map((subject) => signIn(subject)));
      const callers = await Promise.all(
        pairs.map(async ({ accessToken }) => ((await app.send('guarded', withToken(accessToken))) as { sub: string }).sub),
      );
      expect(callers).toEqual(subjects);
    });

    it('refuses a token that has expired, and refreshes nothing, because no message can carry a new one (RR-16)', async () => {
      await start();
      const { accessToken, refreshToken } = await signIn();
      clock.advance('16m');
      expect(await app.refusal('guarded', withToken(accessToken, { refreshToken }))).toEqual(failureOf('token_expired'));
      expect(outcomes).toEqual(['signed-in', 'access-rejected']);
    });

    it('refuses the token of a session that has been revoked', async () => {
      await start();
      const pair = await signIn();
      await app.app.get(RefreshService).signOut(pair.refreshToken);
      expect(await app.refusal('guarded', withToken(pair.accessToken))).toEqual(failureOf('token_revoked'));
    });

    it('asks for a recent sign-in where a handler does', async () => {
      await start();
      const { accessToken } = await signIn();
      expect(await app.send('fresh', withToken(accessToken))).toMatchObject({ sub: 'alice' });
      clock.advance('2m');
      expect(await app.refusal('fresh', withToken(accessToken))).toEqual(failureOf('fresh_token_required'));
    });

    it.each([
      ['too large', 'a'.repeat(9_000), 'token_too_large'],
      ['no token', 'constructor', 'token_malformed'],
      ['of another key', `${Buffer.from('{"alg":"HS256","typ":"at+jwt"}').toString('base64url')}.e30.AAAA`, 'token_invalid'],
    ] as const)('refuses a token that is %s, also where it is optional', async (_, token, code) => {
      await start();
      expect(await app.refusal('guarded', withToken(token))).toEqual(failureOf(code));
      expect(await app.refusal('optional', withToken(token))).toEqual(failureOf(code));
    });

    it('hands events to their handler, and drops those without a good token (LG-01)', async () => {
      await start();
      const { accessToken } = await signIn();
      const rejections: unknown[] = [];
      const onRejection = (reason: unknown): void => void rejections.push(reason);
      process.on('unhandledRejection', onRejection);
      const forged = `${accessToken.slice(0, -4)}AAAA`;
      await app.emit('happened', withToken(forged, { number: 1 }));
      await app.emit('happened', withToken(accessToken, { number: 2 }));
      await handled(1);
      process.off('unhandledRejection', onRejection);
      expect(EVENTS).toEqual([{ payload: { number: 2 }, sub: 'alice' }]);
      expect(rejections).toEqual([]);
      expect(app.log.lines.join('\n')).not.toContain(forged.split('.')[2]);
      // The service still works.
      expect(await app.send('guarded', withToken(accessToken))).toMatchObject({ sub: 'alice' });
    });

    it('guards every handler that is not public with globalGuard', async () => {
      await start({ options: { globalGuard: true } });
      const { accessToken } = await signIn();
      expect(await app.send('unmarked', withToken(accessToken, { month: 7 }))).toEqual({ payload: { month: 7 }, sub: 'alice' });
      expect(await app.refusal('unmarked', withToken('x.y.z'))).toEqual(failureOf('token_malformed'));
    });
  });
}
