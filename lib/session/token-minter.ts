import type { AccessTokenClaims } from '../access-token/access-token.claims.js';
import { ownClaims } from '../access-token/access-token.claims.js';
import type { AccessTokenService } from '../access-token/access-token.service.js';
import type { Principal } from '../principal/principal.js';
import { StoreUnavailable, TokenError, UserRejected } from '../token.errors.js';
import type { TokenModuleOptions } from '../token.options.js';
import type { Delivery } from './delivery.js';
import { TokenPair } from './token-pair.js';
import type { SessionInfo, SessionSnapshot } from './token-session.js';

/** The application's say in a minting. */
export type MintingHooks = Pick<TokenModuleOptions, 'loadUser' | 'claims'>;

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
   * @throws {UserRejected} when the loader returns null. @throws {StoreUnavailable} when it fails.
   */
  async loadUser(session: SessionInfo): Promise<object | undefined> {
    const { loadUser } = this.hooks;
    if (!loadUser) return undefined;
    const user = await orUnavailable(() => loadUser(session.subject, session));
    if (typeof user !== 'object' || user === null) throw new UserRejected();
    return user;
  }

  /** Whether `loadUser` has been given: without it a request whose token is known needs no promise. */
  get loadsUsers(): boolean {
    return this.hooks.loadUser !== undefined;
  }

  /** Asks both hooks. @throws {UserRejected | StoreUnavailable} */
  async ask(session: SessionInfo): Promise<MintingAnswer> {
    const user = await this.loadUser(session);
    const { claims } = this.hooks;
    if (!claims) return { user, claims: session.claims };
    return { user, claims: await orUnavailable(async () => ownClaims(await claims(session.subject, session))) };
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
}

/** A fresh principal: the application may add to it without changing another request's. */
export function principalOf(claims: AccessTokenClaims, user: object | undefined): Principal {
  return (user === undefined ? { ...claims } : { ...claims, user }) as Principal;
}

async function orUnavailable<T>(hook: () => T | Promise<T>): Promise<T> {
  try {
    return await hook();
  } catch (cause) {
    throw cause instanceof TokenError ? cause : new StoreUnavailable({ cause });
  }
}
