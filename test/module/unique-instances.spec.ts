import { describe, expect, it } from '@jest/globals';
import type { DynamicModule } from '@nestjs/common';
import type { TokenModuleRootOptions } from 'nestjs-token';
import { TokenModule } from 'nestjs-token';
import { InMemoryTokenRepository } from 'nestjs-token/testing';
import { ISSUER, SECRET, startApp } from '../support/app.js';

const KEY = 'k'.padEnd(20, 'abcdefghijklmnopqrst') + 'uvwxyz0123456789';
const keys: TokenModuleRootOptions['keys'] = [{ kid: 'one', algorithm: 'HS256', key: KEY, use: 'sign' }];
const instance = (options: Partial<TokenModuleRootOptions>): DynamicModule =>
  TokenModule.forRoot({ issuer: ISSUER, repository: InMemoryTokenRepository, ...options });

async function start(...imports: DynamicModule[]): Promise<string> {
  const running = await startApp({ options: null, controllers: [], imports });
  await running.close();
  return 'started';
}

describe('two instances of TokenModule (CF-08)', () => {
  it('are refused with one name', async () => {
    await expect(start(instance({ secret: SECRET }), instance({ secret: SECRET }))).rejects.toMatchObject({ option: 'name' });
  });

  it('are refused when each accepts the access tokens of the other', async () => {
    const twins = [instance({ keys, refresh: { secret: SECRET } }), instance({ keys, refresh: { secret: SECRET }, name: 'admin' })];
    await expect(start(...twins)).rejects.toMatchObject({ option: 'keys' });
  });

  it('are refused when they use one cookie, and live side by side with the names that they have by default', async () => {
    const named = (options: Partial<TokenModuleRootOptions>) =>
      instance({ secret: SECRET, name: 'admin', transport: 'cookie', ...options });
    const first = instance({ secret: SECRET, transport: 'mixed' });
    const shared = named({ cookie: { refresh: '__Host-refresh' } });
    await expect(start(first, shared)).rejects.toMatchObject({ option: 'cookie', message: expect.stringContaining('__Host-refresh') });
    expect(await start(first, named({}))).toBe('started');
    expect(await start(instance({ secret: SECRET }), shared)).toBe('started');
  });

  it('live side by side with another audience, another issuer, or keys derived from one secret', async () => {
    const named = (options: Partial<TokenModuleRootOptions>) => instance({ name: 'admin', ...options });
    const shared = { keys, refresh: { secret: SECRET } };
    expect(await start(instance(shared), named({ ...shared, audience: 'admin' }))).toBe('started');
    expect(await start(instance(shared), named({ ...shared, issuer: 'https://admin.example.com', audience: ISSUER }))).toBe('started');
    expect(await start(instance({ secret: SECRET }), named({ secret: SECRET }))).toBe('started');
  });
});
