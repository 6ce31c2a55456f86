import type { AccessTokenIssuer } from '../access-token/access-token.issuer.js';
import type { HookResults } from '../principal/principal-hooks.js';
import { principalOf } from '../principal/principal-hooks.js';
import type { Principal } from '../principal/principal.js';
import type { Delivery } from './delivery.js';
import { TokenPair } from './token-pair.js';
import type { SessionSnapshot } from './token-session.js';

/** A token pair, and the caller that its access token speaks for. */
export interface IssuedPair {
  readonly pair: TokenPair;
  readonly principal: Principal;
}

/** What a pair is made from. */
export interface PairDraft {
  readonly snapshot: SessionSnapshot;
  readonly results: HookResults;
  /** The refresh token. `undefined` if the caller holds the current one. */
  readonly refreshToken: string | undefined;
  readonly delivery: Delivery;
}

/** Issues the token pair of a session as it stands. */
export class PairIssuer {
  /** @param tokenType the scheme of the access token, as the response names it (RFC 6749 §7.1). */
  constructor(
    private readonly accessTokens: AccessTokenIssuer,
    private readonly tokenType: string,
  ) {}

  /**
   * Issues a pair.
   * @throws {SignerUnavailable} rejects with it if the access token cannot be signed.
   */
  async issue({ snapshot: { session, at }, results, refreshToken, delivery }: PairDraft): Promise<IssuedPair> {
    const { subject, id: sessionId, authTime } = session;
    const lifetimeMs = Math.min(this.accessTokens.jitteredLifetime(), session.absoluteExpiresAt - at);
    const draft = { subject, sessionId, claims: results.claims, at, authTime, lifetimeMs };
    const { token: accessToken, claims } = await this.accessTokens.issue(draft);
    const expiresAt = Math.min(session.idleExpiresAt, session.absoluteExpiresAt);
    const fields = {
      accessToken,
      ...(refreshToken !== undefined && { refreshToken }),
      tokenType: this.tokenType,
      expiresIn: claims.exp - claims.iat,
      refreshExpiresIn: Math.floor((expiresAt - at) / 1_000),
      sessionId,
    };
    return { pair: new TokenPair(fields, delivery), principal: principalOf(claims, results.user) };
  }
}
