import { refreshServiceToken } from '../module/injection-tokens.js';
import type { RefreshService, SignInOptions } from '../session/refresh.service.js';
import type { TokenPair } from '../session/token-pair.js';

/** What {@link issueTestPair} asks of an application: `INestApplication`, `INestApplicationContext` and `TestingModule` all have it. */
export interface ServiceLocator {
  /** Looks a provider up, in all modules when not told otherwise. */
  get<T>(token: string | (abstract new (...args: never[]) => T)): T;
}

/** What a test's sign-in may say beside the subject. */
export interface TestPairOptions extends SignInOptions {
  /** Name of the module instance. @defaultValue the instance without a name */
  name?: string;
}

/**
 * Signs a subject in without a login route, so that a test can call guarded routes at once. A real session in the application's own store:
 * its tokens rotate, expire and are revoked like any others.
 *
 * @returns the session's first pair.
 * @throws {Error} Nest's own, when the application imports no token module of that name. @throws whatever `RefreshService.signIn` throws.
 */
export async function issueTestPair(app: ServiceLocator, subject: string, { name, ...options }: TestPairOptions = {}): Promise<TokenPair> {
  return app.get<RefreshService>(refreshServiceToken(name)).signIn(subject, options);
}
