import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Controller, Get, Logger, Module } from '@nestjs/common';
import { HealthCheck, HealthCheckService, TerminusModule } from '@nestjs/terminus';
import type { TokenHealthOptions } from 'nestjs-token';
import { InjectTokenHealthIndicator, Public, TokenHealthIndicator, TokenModule } from 'nestjs-token';
import { FakeClock, InMemoryTokenRepository } from 'nestjs-token/testing';
import { generateKeyPairSync } from 'node:crypto';
import type { AdapterName, TestApp } from '../support/app.js';
import { accessTokens, SESSION_ID } from '../support/access-tokens.js';
import { ADAPTERS, bearing, ISSUER, SECRET, startApp } from '../support/app.js';
import { KeyServer } from '../support/key-server.js';

@Public()
@Controller()
class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly tokens: TokenHealthIndicator,
    @InjectTokenHealthIndicator('admin') private readonly admin: TokenHealthIndicator,
  ) {}

  @Get('health')
  @HealthCheck()
  check() {
    return this.health.check([() => this.tokens.isHealthy('tokens', { timeout: '200ms' }), () => this.admin.isHealthy('admin')]);
  }
}

@Module({ imports: [TerminusModule.forRoot({ logger: false })], controllers: [HealthController] })
class HealthModule {}

/** The store of the instance without a name. */
class MoodyRepository extends InMemoryTokenRepository {
  /** Responds in place of the repository. */
  static respond: (() => Promise<never>) | null = null;

  override find(...key: Parameters<InMemoryTokenRepository['find']>): ReturnType<InMemoryTokenRepository['find']> {
    return MoodyRepository.respond?.() ?? super.find(...key);
  }
}

const UP = { status: 'up', revocationLagSeconds: expect.any(Number) as unknown };

describe.each(ADAPTERS)('TokenHealthIndicator on %s', (adapter: AdapterName) => {
  let running: TestApp;
  beforeEach(async () => {
    Logger.overrideLogger(false);
    MoodyRepository.respond = null;
    const admin = TokenModule.forRoot({ name: 'admin', issuer: ISSUER, secret: `${SECRET}-2`, repository: InMemoryTokenRepository });
    running = await startApp({
      adapter,
      options: { repository: MoodyRepository, globalGuard: true },
      imports: [admin, HealthModule],
    });
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await running.close();
  });
  const health = async (): Promise<[number, Record<string, unknown>]> => {
    const answer = await running.call('/health');
    return [answer.status, answer.json<{ details: Record<string, unknown> }>().details];
  };
  const DOWN = { ...UP, status: 'down', message: 'the session store does not respond' };

  it('is up in a report of terminus, for each instance, while the store responds', async () => {
    expect(await health()).toEqual([200, { tokens: UP, admin: UP }]);
  });

  it('is down, and the response is 503, while the store fails, and up again afterwards', async () => {
    MoodyRepository.respond = () => Promise.reject(new Error('connection to 10.0.0.1 lost'));
    expect(await health()).toEqual([503, { tokens: DOWN, admin: UP }]);
    MoodyRepository.respond = null;
    expect(await health()).toEqual([200, { tokens: UP, admin: UP }]);
  });

  it('is down after the time limit if the store never responds', async () => {
    MoodyRepository.respond = () => new Promise(() => undefined);
    const startedAt = performance.now();
    expect(await health()).toEqual([503, { tokens: DOWN, admin: UP }]);
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(199);
  });

  it('is down if this node has not read revocations for too long', async () => {
    const indicator = running.app.get(TokenHealthIndicator);
    const lag = performance.now() + 60_000;
    jest.spyOn(performance, 'now').mockReturnValue(lag);
    const { tokens } = await indicator.isHealthy('tokens', { maxLag: '1m' });
    expect(tokens).toMatchObject({ status: 'down', message: 'revocations have not been read for too long' });
    expect(tokens.revocationLagSeconds).toBeGreaterThan(60);
    expect((await indicator.isHealthy('tokens')).tokens.status).toBe('up');
  });

  it.each<[string, object]>([
    ['no time', { timeout: 0 }],
    ['text without a unit', { maxLag: '60' }],
    ['a negative span', { maxLag: -1 }],
  ])('refuses %s', async (_, options) => {
    await expect(running.app.get(TokenHealthIndicator).isHealthy('tokens', options as TokenHealthOptions)).rejects.toThrow(TypeError);
  });
});

describe('TokenHealthIndicator of a service that only verifies', () => {
  it('is down without keys, and up with the last keys of the key server, whose age it tells', async () => {
    Logger.overrideLogger(false);
    const clock = new FakeClock();
    const server = await new KeyServer().start();
    const running = await startApp({
      clock,
      options: null,
      imports: [TokenModule.forRoot({ issuer: ISSUER, jwks: { uri: server.uri, allowHttp: true } })],
    });
    const health = async () => (await running.app.get(TokenHealthIndicator).isHealthy('keys')).keys;
    expect(await health()).toEqual({ status: 'down', message: 'there is no key that verifies access tokens' });
    const publicKey = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' });
    server.document = { keys: [{ ...publicKey, kid: 'a', alg: 'EdDSA', use: 'sig' }] };
    clock.advance('1m');
    const foreign = accessTokens({ options: { keys: [{ kid: 'b', algorithm: 'HS256', key: SECRET, use: 'sign' }] } });
    const token = await foreign.service.sign('alice', { sessionId: SESSION_ID });
    expect((await running.call('/me', { headers: bearing({ accessToken: token }) })).status).toBe(401);
    await server.stop();
    clock.advance('1h');
    expect(await health()).toEqual({ status: 'up', keySetAgeSeconds: 3_600 });
    await running.close();
  });
});
