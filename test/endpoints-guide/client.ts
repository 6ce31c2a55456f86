import * as client from 'openid-client';

/** Reads where the endpoints are. */
export async function configure(issuer: string, more: client.DiscoveryRequestOptions = {}): Promise<client.Configuration> {
  return client.discovery(new URL(issuer), 'mobile-app', undefined, client.None(), { algorithm: 'oauth2', ...more });
}

export async function renew(config: client.Configuration, refreshToken: string): Promise<{ access: string; refresh: string }> {
  const tokens = await client.refreshTokenGrant(config, refreshToken);
  // The response has no refresh token if the one that the client has stays current.
  return { access: tokens.access_token, refresh: tokens.refresh_token ?? refreshToken };
}

export async function signOut(config: client.Configuration, refreshToken: string): Promise<void> {
  await client.tokenRevocation(config, refreshToken);
}
