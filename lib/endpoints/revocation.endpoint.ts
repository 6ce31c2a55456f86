import type { AccessTokenService } from '../access-token/access-token.service.js';
import { TokenError } from '../errors/token.errors.js';
import type { RefreshService } from '../session/refresh.service.js';
import type { OAuthOperation } from './oauth-endpoint.js';
import type { Parameters } from './parameters.js';

/** What ends sessions. */
export interface RevocationPorts {
  readonly refresh: Pick<RefreshService, 'signOut' | 'revoke'>;
  readonly accessTokens: Pick<AccessTokenService, 'verify'>;
}

/** `POST revoke`: ends the session of a token (RFC 7009). */
export class RevocationEndpoint implements OAuthOperation {
  constructor(private readonly ports: RevocationPorts) {}

  /** Each kind of token is recognised by itself, so the hint is not needed. RFC 7009 §2.1 allows that. */
  async perform(parameters: Parameters): Promise<null> {
    parameters.get('token_type_hint');
    const token = parameters.require('token');
    await this.ports.refresh.signOut(token);
    await endSessionOf(token, this.ports);
    return null;
  }
}

/**
 * Ends the session of a good access token (RFC 7009 §2.1 allows it). Any other token changes nothing.
 * @throws {TokenError} rejects with it if the token cannot be judged at present, or the session cannot be ended.
 */
export async function endSessionOf(token: string, { refresh, accessTokens }: RevocationPorts): Promise<void> {
  const claims = await accessTokens.verify(token).catch(nothingIfRefused);
  if (claims?.sid !== undefined) await refresh.revoke(claims.sid, { reason: 'logout' });
}

/** Returns null if the error says that a token is not good. @throws the error if it is another one, such as an outage. */
export function nothingIfRefused(error: unknown): null {
  if (error instanceof TokenError && error.getStatus() === 401) return null;
  throw error;
}
