import { Clock } from '../clock.js';
import { parseDuration, type Duration } from '../duration.js';
import { refreshServiceToken } from '../module/injection-tokens.js';
import type { RefreshService } from '../session/refresh.service.js';
import type { SignInOptions } from '../session/session-draft.js';
import type { TokenPair } from '../session/token-pair.js';
import { FakeClock } from './fake-clock.js';

/** What this entry point needs of an application. `INestApplication`, `INestApplicationContext` and `TestingModule` all have it. */
export interface ServiceLocator {
  /** Looks a provider up, in all modules unless told otherwise. */
  get<T>(token: string | (abstract new (...args: never[]) => T)): T;
}

/** Options of a test's sign-in. */
export interface TestPairOptions extends SignInOptions {
  /** Name of the module instance. @defaultValue the instance without a name */
  name?: string;
  /**
   * How long ago the sign-in happened. Needs the clock of {@link useTestTokens}.
   * With an age above `access.lifetime`, the access token has expired. With an age above `refresh.idleLifetime`, the refresh token has too.
   * A route with `@Fresh('5m')` refuses an age above five minutes. @defaultValue 0
   */
  age?: Duration;
}

/**
 * Signs a subject in without a login route, so that a test can call guarded routes at once. The session is a real one in the application's
 * own store: its tokens rotate, expire and are revoked like any others. The hooks `loadUser` and `claims` are called as at every sign-in.
 *
 * @returns the session's first pair.
 * @throws {Error} Nest's own error, when the application has no instance with this name.
 * @throws {TypeError} when `age` is given and the application's clock or store does not follow a {@link FakeClock}.
 * @throws {TokenError} as `RefreshService.signIn` does.
 * @example
 * const pair = await issueTestPair(app, 'alice', { claims: { roles: ['admin'] } });
 * const old = await issueTestPair(app, 'alice', { age: '10m' });
 */
export async function issueTestPair(app: ServiceLocator, subject: string, options: TestPairOptions = {}): Promise<TokenPair> {
  const { name, age, ...signIn } = options;
  const refresh = app.get<RefreshService>(refreshServiceToken(name));
  if (age === undefined) return refresh.signIn(subject, signIn);
  const [clock, ageMs] = [fakeClockOf(app), parseDuration(age)];
  const pair = await clock.ago(ageMs, () => refresh.signIn(subject, signIn));
  requireIssuedAt(pair, clock.now() - ageMs);
  return pair;
}

/** @throws {TypeError} when the application has another clock. */
function fakeClockOf(app: ServiceLocator): FakeClock {
  const clock = app.get<Clock>(Clock);
  if (clock instanceof FakeClock) return clock;
  throw new TypeError('age: the application does not use a FakeClock; call useTestTokens(builder) before compile()');
}

/** A store with a clock of its own dates the session, and so its tokens, by that clock. @throws {TypeError} */
function requireIssuedAt({ accessToken }: TokenPair, instant: number): void {
  const [, payload = ''] = accessToken.split('.');
  const { iat } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { iat: number };
  if (iat === Math.floor(instant / 1_000)) return;
  throw new TypeError('age: the store of the sessions does not follow the FakeClock; call useTestTokens(builder) before compile()');
}
