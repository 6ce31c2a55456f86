import type { AccessTokenClaims } from '../access-token/access-token.claims.js';
import type { AccessTokenService } from '../access-token/access-token.service.js';
import type { PrincipalHooks } from '../principal/principal-hooks.js';
import type { OAuthOperation } from './oauth-endpoint.js';
import type { Parameters } from './parameters.js';
import { nothingIfRefused } from './revocation.endpoint.js';

/** What judges tokens. */
export interface IntrospectionPorts {
  readonly accessTokens: Pick<AccessTokenService, 'verify'>;
  readonly hooks: Pick<PrincipalHooks, 'principalOf'>;
}

/** One response to everything that is not good, so that it says nothing about the reason (RFC 7662 §2.2). */
const INACTIVE = { active: false };

/**
 * `POST introspect`: tells a service whether an access token is good at this moment (RFC 7662). A refresh token is inactive, because no
 * service but this one may accept it.
 */
export class IntrospectionEndpoint implements OAuthOperation {
  /** @param tokenType the scheme of access tokens. */
  constructor(
    private readonly tokenType: string,
    private readonly ports: IntrospectionPorts,
  ) {}

  /** Judges as the guard does: the token, the revocation of its session, and whether `loadUser` still knows the user. */
  async perform(parameters: Parameters): Promise<object> {
    parameters.get('token_type_hint');
    const claims = await this.claimsOf(parameters.require('token')).catch(nothingIfRefused);
    if (claims === null) return INACTIVE;
    // What the epoch says is judged here already.
    const { sid_epoch: _, ...told } = claims;
    return { ...told, active: true, token_type: this.tokenType };
  }

  private async claimsOf(token: string): Promise<AccessTokenClaims> {
    const claims = await this.ports.accessTokens.verify(token);
    await this.ports.hooks.principalOf(claims);
    return claims;
  }
}
