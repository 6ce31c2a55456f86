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
   * Presents the refresh token. A scope that is asked for changes nothing: it neither grows nor shrinks. The response says which scope the
   * access token has (RFC 6749 §3.3). To refuse a scope now would be too late, because the session has been rotated.
   */
  async perform(parameters: Parameters): Promise<object> {
    if (parameters.require('grant_type') !== 'refresh_token') {
      throw new OAuthError('unsupported_grant_type', 'grant_type is not refresh_token');
    }
    const isAsked = requireScope(parameters.get('scope'));
    const { pair, principal } = await this.refresh.rotate(parameters.require('refresh_token'));
    if (pair.deliverable === 'none') throw new SessionRevoked(pair.sessionId);
    const { scope } = principal as { readonly scope?: unknown };
    const granted = typeof scope === 'string' ? scope : '';
    return { ...pair.withTokensInBody().toJSON(), ...((isAsked || granted !== '') && { scope: granted }) };
  }
}

/** Tells whether a scope is asked for. @throws {OAuthError} `invalid_scope` if it is malformed. */
function requireScope(scope: string | undefined): boolean {
  if (scope !== undefined && !SCOPE.test(scope)) throw new OAuthError('invalid_scope', 'scope is malformed');
  return scope !== undefined;
}
