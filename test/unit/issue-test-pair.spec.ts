import 'reflect-metadata';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Test, type TestingModule } from '@nestjs/testing';
import { AccessTokenService, RefreshService, TokenModule } from 'nestjs-token';
import { InMemoryTokenRepository, issueTestPair } from 'nestjs-token/testing';

const OPTIONS = {
  issuer: 'https://api.example.com',
  secret: 'a secret of at least 32 bytes, only for tests',
  repository: InMemoryTokenRepository,
};

describe('issueTestPair', () => {
  let app: TestingModule;

  beforeEach(async () => {
    app = await Test.createTestingModule({
      imports: [TokenModule.forRoot(OPTIONS), TokenModule.forRoot({ ...OPTIONS, name: 'admin' })],
    }).compile();
    await app.init();
  });
  afterEach(() => app.close());

  it('signs a subject in at the application that it is given', async () => {
    const pair = await issueTestPair(app, 'alice');
    await expect(app.get(AccessTokenService).verify(pair.accessToken)).resolves.toMatchObject({ sub: 'alice', sid: pair.sessionId });
    await expect(app.get(RefreshService).rotate(pair.refreshToken)).resolves.toMatchObject({ outcome: 'rotated' });
  });

  it('passes claims and device on', async () => {
    const pair = await issueTestPair(app, 'alice', { claims: { roles: ['admin'] }, device: { label: 'test' } });
    await expect(app.get(AccessTokenService).verify(pair.accessToken)).resolves.toMatchObject({ roles: ['admin'] });
    await expect(app.get(RefreshService).sessions('alice')).resolves.toMatchObject([{ sessionId: pair.sessionId, label: 'test' }]);
  });

  it('signs in at the instance that it is told the name of', async () => {
    const pair = await issueTestPair(app, 'alice', { name: 'admin' });
    await expect(app.get(RefreshService).rotate(pair.refreshToken)).rejects.toMatchObject({ errorCode: 'refresh_invalid' });
    await expect(app.get(RefreshService).sessions('alice')).resolves.toEqual([]);
  });

  it('rejects when there is no instance of that name', async () => {
    await expect(issueTestPair(app, 'alice', { name: 'nobody' })).rejects.toThrow(/nobody/);
  });
});
