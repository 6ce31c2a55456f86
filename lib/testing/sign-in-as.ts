import type { TokenPair } from '../session/token-pair.js';
import type { ServiceLocator, TestPairOptions } from './issue-test-pair.js';
import { issueTestPair } from './issue-test-pair.js';
import { tokenHeaders } from './token-headers.js';

/** A caller that {@link signInAs} has signed in. */
export interface SignedIn {
  /** The first pair of the session. */
  readonly pair: TokenPair;
  /** Request headers with both tokens, such as `{ Authorization: 'Bearer …', 'X-Refresh-Token': '…' }`. */
  readonly headers: Record<string, string>;
}

/**
 * Signs a subject in without a login route, and returns the request headers for guarded routes. The same as {@link issueTestPair} followed
 * by {@link tokenHeaders}.
 *
 * @throws {Error} Nest's own error, when the application has no instance with this name.
 * @throws {TypeError} when `age` is given and the application's clock or store does not follow a {@link FakeClock}.
 * @throws {TokenError} as `RefreshService.signIn` does.
 * @example
 * const { headers } = await signInAs(app, 'alice', { claims: { roles: ['admin'] } });
 * await request(app.getHttpServer()).get('/me').set(headers).expect(200);
 */
export async function signInAs(app: ServiceLocator, subject: string, options: TestPairOptions = {}): Promise<SignedIn> {
  const pair = await issueTestPair(app, subject, options);
  return { pair, headers: tokenHeaders(app, pair, options.name === undefined ? {} : { name: options.name }) };
}
