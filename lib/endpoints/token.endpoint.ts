import { SessionRevoked } from '../errors/token.errors.js';
import type { RefreshService } from '../session/refresh.service.js';
import { OAuthError } from './oauth-error.js';
import type { OAuthOperation } from './oauth-endpoint.js';
import type { Parameters } from './parameters.js';

/** RFC 6749 §3.3 */
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+( [\x21\x23-\x5b\x5d-\x7e]+)*$/;

/** `POST token`: the refresh grant (RFC 6749 §6). */
export class TokenEndpoint implements OAuthOperation {
  constructor(private readonly refresh: Pick<RefreshService, 'rotate'>) {}

  /**
   * Presents the refresh token. A scope can be asked for only if the access token has it: it never grows. Tokens whose scope was refused
   * are not delivered, and the presented token stays good, as after a lost response (docs/rotation.md §3).
   */
  async perform(parameters: Parameters): Promise<object> {
    if (parameters.require('grant_type') !== 'refresh_token') {
      throw new OAuthError('unsupported_grant_type', 'grant_type is not refresh_token');
    }
    const asked = scopesOf(parameters.get('scope'));
    const { pair, principal } = await this.refresh.rotate(parameters.require('refresh_token'));
    if (pair.deliverable === 'none') throw new SessionRevoked(pair.sessionId);
    const { scope } = principal as { readonly scope?: unknown };
    const granted = typeof scope === 'string' ? scope.split(' ') : [];
    if (!asked.every((one) => granted.includes(one))) throw new OAuthError('invalid_scope', 'scope is more than the session has');
    return { ...pair.withTokensInBody().toJSON(), ...(typeof scope === 'string' && { scope }) };
  }
}

function scopesOf(scope: string | undefined): readonly string[] {
  if (scope === undefined) return [];
  if (!SCOPE.test(scope)) throw new OAuthError('invalid_scope', 'scope is malformed');
  return scope.split(' ');
}
