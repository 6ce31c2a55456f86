import type { AccessTokenClaims } from '../access-token/access-token.claims.js';
import { ownClaims } from '../access-token/access-token.claims.js';
import type { AccessTokenService } from '../access-token/access-token.service.js';
import type { Principal } from '../principal/principal.js';
import type { TokenHook } from '../errors/token.errors.js';
import { HookFailed, HookTimeout, StoreUnavailable, UserRejected } from '../errors/token.errors.js';
import type { PrincipalHooks } from '../principal/hooks.js';
import type { SessionInfo } from '../principal/session-info.js';
import { withDeadline } from '../principal/deadline.js';
import type { Delivery } from './delivery.js';
import { TokenPair } from './token-pair.js';
import type { SessionSnapshot } from './token-session.js';

/** The application's say in a minting. */
export interface MintingHooks extends PrincipalHooks {
  /** How long each hook is waited for, milliseconds. */
  readonly timeoutMs: number;
}

/** What the hooks said. */
export interface MintingAnswer {
  readonly user: object | undefined;
  readonly claims: Readonly<Record<string, unknown>>;
}

/** A pair, and the caller that its access token speaks for. */
export interface MintedPair {
  readonly pair: TokenPair;
  readonly principal: Principal;
}

/** What a pair is made from. */
export interface PairSource {
  readonly snapshot: SessionSnapshot;
  readonly answer: MintingAnswer;
  /** `undefined`: the caller holds the current refresh token. */
  readonly refreshToken: string | undefined;
  readonly delivery: Delivery;
}

/** Makes token pairs of sessions, once the application has agreed. */
export class TokenMinter {
  constructor(
    private readonly accessTokens: AccessTokenService,
    private readonly hooks: MintingHooks,
    private readonly tokenType: string,
  ) {}

  /**
   * Loads the user, if the application has a loader.
   * @throws {UserRejected} when the loader returns null. @throws {HookFailed | HookTimeout | StoreUnavailable} when it fails.
   */
  async loadUser(session: SessionInfo): Promise<object | undefined> {
    const { loadUser } = this.hooks;
    if (!loadUser) return undefined;
    const user = await this.askHook('loadUser', async () => loadUser(session.subject, session));
    if (typeof user !== 'object' || user === null) throw new UserRejected();
    return user;
  }

  /** Whether `loadUser` has been given: without it a request whose token is known needs no promise. */
  get loadsUsers(): boolean {
    return this.hooks.loadUser !== undefined;
  }

  /** Asks both hooks. @throws {UserRejected | HookFailed | HookTimeout | StoreUnavailable} */
  async ask(session: SessionInfo): Promise<MintingAnswer> {
    const user = await this.loadUser(session);
    const { claims } = this.hooks;
    if (!claims) return { user, claims: session.claims };
    return { user, claims: await this.askHook('claims', async () => ownClaims(await claims(session.subject, session))) };
  }

  /** Signs a token that nobody gets: what cannot be signed is found out before a session is stored. */
  rehearse({ subject, sessionId }: SessionInfo, { claims }: MintingAnswer): void {
    this.accessTokens.sign(subject, { sessionId, claims });
  }

  /** Makes the pair of a session as it stands, and the caller that its access token speaks for. */
  pair({ snapshot: { session, at }, answer, refreshToken, delivery }: PairSource): MintedPair {
    const lifetimeMs = Math.min(this.accessTokens.jitteredLifetime(), session.absoluteExpiresAt - at);
    const { subject, id: sessionId, authTime } = session;
    const { token: accessToken, claims } = this.accessTokens.mint({ subject, sessionId, claims: answer.claims, at, authTime, lifetimeMs });
    const expiresAt = Math.min(session.idleExpiresAt, session.absoluteExpiresAt);
    const fields = {
      accessToken,
      ...(refreshToken !== undefined && { refreshToken }),
      tokenType: this.tokenType,
      expiresIn: claims.exp - claims.iat,
      refreshExpiresIn: Math.floor((expiresAt - at) / 1_000),
      sessionId,
    };
    const pair = new TokenPair(fields, delivery);
    return { pair, principal: principalOf(claims, answer.user) };
  }

  /** A hook has two ways to say what it means; anything else that it throws is a mistake in it, and never a verdict on the tokens. */
  private async askHook<T>(hook: TokenHook, ask: () => Promise<T>): Promise<T> {
    try {
      return await withDeadline(ask(), this.hooks.timeoutMs, () => new HookTimeout(hook));
    } catch (cause) {
      if (cause instanceof HookTimeout || cause instanceof UserRejected || cause instanceof StoreUnavailable) throw cause;
      throw new HookFailed(hook, { cause });
    }
  }
}

/** A fresh principal: the application may add to it without changing another request's. */
export function principalOf(claims: AccessTokenClaims, user: object | undefined): Principal {
  return (user === undefined ? { ...claims } : { ...claims, user }) as Principal;
}
