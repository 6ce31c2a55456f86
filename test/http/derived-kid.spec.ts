import { afterEach, describe, expect, it } from '@jest/globals';
import { RefreshService, TokenModule } from 'nestjs-token';
import { createHash, createPublicKey } from 'node:crypto';
import type { AdapterName, TestApp } from '../support/app.js';
import { ADAPTERS, bearing, ISSUER, SECRET, startApp } from '../support/app.js';
import { ecdsa, ecKey, Forge } from '../support/forge.js';

describe.each(ADAPTERS)('a token with the kid that was derived before kids were thumbprints, on %s', (adapter: AdapterName) => {
  const key = ecKey();
  let running: TestApp;
  afterEach(() => running.close());

  it('KY-04 is replaced by a refresh inside the request, and signs nobody out', async () => {
    const imports = [
      TokenModule.forRoot({ issuer: ISSUER, keys: [{ algorithm: 'ES256', key, use: 'sign' }], refresh: { secret: SECRET } }),
    ];
    running = await startApp({ adapter, options: null, imports });
    const pair = await running.app.get(RefreshService).signIn('alice');
    const spki = createPublicKey(key).export({ format: 'der', type: 'spki' });
    const kid = createHash('sha256').update(spki).digest().subarray(0, 8).toString('base64url');
    const accessToken = new Forge(pair.accessToken, ecdsa(key)).token({ header: { kid } });
    expect((await running.call('/me', { headers: bearing({ accessToken }) })).json()).toMatchObject({ errorCode: 'token_invalid' });
    const healed = await running.call('/me', { headers: bearing({ accessToken, refreshToken: pair.refreshToken! }) });
    expect([healed.status, typeof healed.headers['x-refresh-token']]).toEqual([200, 'string']);
    const next = { authorization: healed.headers['authorization']! };
    expect((await running.call('/me', { headers: next })).status).toBe(200);
  });
});
