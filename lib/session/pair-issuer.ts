import type { AccessTokenIssuer } from '../access-token/access-token.issuer.js';
import { requireStorable } from '../access-token/access-token.issuer.js';
import type { HookResults } from '../principal/principal-hooks.js';
import { principalOf } from '../principal/principal-hooks.js';
import type { Principal } from '../principal/principal.js';
import type { Delivery } from './delivery.js';
import type { TokensInBody } from './token-pair.js';
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
  /** Whether cookies with the tokens outlive the browser. Left out, they do as those that the request has brought. */
  readonly persistent?: boolean;
}

/** How pairs travel. */
export interface PairSettings {
  /** The scheme of the access token, as the response names it (RFC 6749 §7.1). */
  readonly tokenType: string;
  /** Which tokens a body may carry. */
  readonly inBody: TokensInBody;
  /** The largest number of characters that an access token may have. A browser silently drops a cookie that is too large. */
  readonly maxAccessLength: number;
}

/** Issues the token pair of a session as it stands. */
export class PairIssuer {
  constructor(
    private readonly settings: PairSettings,
    private readonly accessTokens: AccessTokenIssuer,
  ) {}

  /**
   * Issues a pair.
   * @throws {SignerUnavailable} rejects with it if the access token cannot be signed.
   * @throws {TypeError} rejects with it if the claims make the access token larger than its cookie may be.
   */
  async issue({ snapshot: { session, at }, results, refreshToken, delivery, persistent }: PairDraft): Promise<IssuedPair> {
    const { subject, id: sessionId, authTime, accessRevokedAt: accessEpoch } = session;
    const lifetimeMs = Math.min(this.accessTokens.jitteredLifetime(), session.absoluteExpiresAt - at);
    const draft = { subject, sessionId, claims: results.claims, at, authTime, accessEpoch, lifetimeMs };
    const { token: accessToken, claims } = await this.accessTokens.issue(draft);
    const { tokenType, inBody, maxAccessLength } = this.settings;
    requireStorable(accessToken, maxAccessLength);
    const expiresAt = Math.min(session.idleExpiresAt, session.absoluteExpiresAt);
    const fields = {
      accessToken,
      ...(refreshToken !== undefined && { refreshToken }),
      tokenType,
      expiresIn: claims.exp - claims.iat,
      refreshExpiresIn: Math.floor((expiresAt - at) / 1_000),
      sessionId,
      persistent,
    };
    return { pair: new TokenPair(fields, { late: delivery, inBody }), principal: principalOf(claims, results.user) };
  }
}
