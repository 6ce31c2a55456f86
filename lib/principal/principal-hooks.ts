import type { AccessTokenClaims } from '../access-token/access-token.claims.js';
import { ownClaims } from '../access-token/access-token.claims.js';
import { UserRejected } from '../errors/token.errors.js';
import { askHook } from './ask-hook.js';
import type { LoadUserHook, PrincipalHookOptions } from './hook.options.js';
import type { Principal } from './principal.js';
import type { SessionInfo } from './session-info.js';
import { sessionOf } from './session-info.js';
import { UserCache } from './user-cache.js';

/** The hooks, and the time limit for each of them. */
export interface PrincipalHookSettings extends PrincipalHookOptions {
  /** Milliseconds. */
  readonly timeoutMs: number;
  /** How long a user is kept, in milliseconds. Null means that every request asks `loadUser`. */
  readonly cacheUserMs: number | null;
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
  private readonly users: UserCache | null;

  constructor(private readonly settings: PrincipalHookSettings) {
    this.users = settings.cacheUserMs === null ? null : new UserCache(settings.cacheUserMs);
  }

  /** Tells whether `loadUser` has been given. Without it, a request whose token is known needs no promise. */
  get loadsUsers(): boolean {
    return this.settings.loadUser !== undefined;
  }

  /**
   * Returns the caller that verified claims speak for, without any I/O, or `undefined` if `loadUser` must be asked first.
   * @param claims a copy of them becomes the caller.
   */
  known(claims: AccessTokenClaims): Principal | undefined {
    if (!this.loadsUsers) return principalOf(claims, undefined);
    const user = this.users?.get(claims.sub);
    return user && principalOf(claims, user);
  }

  /**
   * Returns the caller that verified claims speak for. A user who is known is not asked for again.
   * @throws {UserRejected | HookFailed | HookTimeout | StoreUnavailable} rejects with it.
   */
  async principalOf(claims: AccessTokenClaims): Promise<Principal> {
    const { loadUser } = this.settings;
    if (!loadUser) return principalOf(claims, undefined);
    const load = () => this.loadUser(loadUser, sessionOf(claims));
    return principalOf(claims, await (this.users ? this.users.recall(claims.sub, load) : load()));
  }

  /** Forgets the user of a subject on this node, so that the next request asks `loadUser`. */
  forgetUser(subject: string): void {
    this.users?.forget(subject);
  }

  /**
   * Asks both hooks before tokens are issued. `loadUser` is asked even if the user is known.
   * @throws {UserRejected | HookFailed | HookTimeout | StoreUnavailable} rejects with it.
   */
  async ask(session: SessionInfo): Promise<HookResults> {
    const { claims, loadUser, timeoutMs } = this.settings;
    const load = loadUser && (() => this.loadUser(loadUser, session));
    const user = load && (await (this.users ? this.users.reload(session.subject, load) : load()));
    if (!claims) return { user, claims: session.claims };
    return { user, claims: await askHook('claims', timeoutMs, async () => ownClaims(await claims(session.subject, session))) };
  }

  private async loadUser(loadUser: LoadUserHook, session: SessionInfo): Promise<object> {
    const user = await askHook('loadUser', this.settings.timeoutMs, async () => loadUser(session.subject, session));
    if (typeof user !== 'object' || user === null) throw new UserRejected();
    return user;
  }
}

/** Makes a new object for each request, so that the application can add to it without changing the principal of another request. */
export function principalOf(claims: AccessTokenClaims, user: object | undefined): Principal {
  return (user === undefined ? { ...claims } : { ...claims, user }) as Principal;
}
