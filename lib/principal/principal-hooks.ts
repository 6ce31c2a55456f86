import type { AccessTokenClaims } from '../access-token/access-token.claims.js';
import { ownClaims } from '../access-token/access-token.claims.js';
import type { TokenHook } from '../errors/token.errors.js';
import { HookFailed, HookTimeout, StoreUnavailable, UserRejected } from '../errors/token.errors.js';
import { withDeadline } from './deadline.js';
import type { PrincipalHookOptions } from './hook.options.js';
import type { Principal } from './principal.js';
import type { SessionInfo } from './session-info.js';
import { sessionOf } from './session-info.js';

/** The hooks, and the time limit for each of them. */
export interface PrincipalHookSettings extends PrincipalHookOptions {
  /** Milliseconds. */
  readonly timeoutMs: number;
}

/** What the application says about a session when a token pair is issued. */
export interface HookResults {
  /** What `loadUser` returned, or `undefined` if there is no such hook. */
  readonly user: object | undefined;
  /** The claims of the access token. */
  readonly claims: Readonly<Record<string, unknown>>;
}

/** Asks the application who the caller is (`loadUser`), and which claims the access token carries (`claims`). */
export class PrincipalHooks {
  constructor(private readonly settings: PrincipalHookSettings) {}

  /** Tells whether `loadUser` has been given. Without it, a request whose token is known needs no promise. */
  get loadsUsers(): boolean {
    return this.settings.loadUser !== undefined;
  }

  /**
   * Returns the caller that verified claims speak for.
   * @throws {UserRejected | HookFailed | HookTimeout | StoreUnavailable} rejects with it.
   */
  async principalOf(claims: AccessTokenClaims): Promise<Principal> {
    return principalOf(claims, this.loadsUsers ? await this.loadUser(sessionOf(claims)) : undefined);
  }

  /** Asks both hooks. @throws {UserRejected | HookFailed | HookTimeout | StoreUnavailable} rejects with it. */
  async ask(session: SessionInfo): Promise<HookResults> {
    const { claims } = this.settings;
    const user = this.loadsUsers ? await this.loadUser(session) : undefined;
    if (!claims) return { user, claims: session.claims };
    return { user, claims: await this.askHook('claims', async () => ownClaims(await claims(session.subject, session))) };
  }

  private async loadUser(session: SessionInfo): Promise<object | undefined> {
    const { loadUser } = this.settings;
    if (!loadUser) return undefined;
    const user = await this.askHook('loadUser', async () => loadUser(session.subject, session));
    if (typeof user !== 'object' || user === null) throw new UserRejected();
    return user;
  }

  /**
   * Asks a hook. It can reject the user or say that its own store is unavailable. Anything else that it throws is a mistake in it, and
   * never a verdict on the tokens.
   */
  private async askHook<T>(hook: TokenHook, ask: () => Promise<T>): Promise<T> {
    try {
      return await withDeadline(ask(), this.settings.timeoutMs, () => new HookTimeout(hook));
    } catch (cause) {
      if (cause instanceof HookTimeout || cause instanceof UserRejected || cause instanceof StoreUnavailable) throw cause;
      throw new HookFailed(hook, { cause });
    }
  }
}

/** Makes a new object for each request, so that the application can add to it without changing the principal of another request. */
export function principalOf(claims: AccessTokenClaims, user: object | undefined): Principal {
  return (user === undefined ? { ...claims } : { ...claims, user }) as Principal;
}
