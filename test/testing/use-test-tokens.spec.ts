import 'reflect-metadata';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import type { TestingModuleBuilder } from '@nestjs/testing';
import { Test } from '@nestjs/testing';
import { TypeOrmModule } from '@nestjs/typeorm';
import { RefreshService, TokenModule } from 'nestjs-token';
import { FakeClock, InMemoryTokenRepository, signInAs, useTestTokens } from 'nestjs-token/testing';
import { ADAPTERS, ISSUER, MeController, SECRET } from '../support/app.js';
import type { RunningApplication } from './application.js';
import { application, started } from './application.js';

describe.each(ADAPTERS)('useTestTokens (%s)', (adapter) => {
  let running: RunningApplication | undefined;
  const start = async (builder: TestingModuleBuilder) => (running = await started(builder, adapter));
  afterEach(async () => {
    await running?.app.close();
    running = undefined;
  });

  it('lets a test move the clock past the lifetime of an access token, and the same request still works', async () => {
    const builder = application();
    const clock = useTestTokens(builder);
    const { app, get } = await start(builder);
    const { pair, headers } = await signInAs(app, 'alice');
    const before = await get('/me', headers);
    expect([before.status, before.headers['x-refresh-token']]).toEqual([200, undefined]);
    clock.advance('16m');
    const after = await get('/me', headers);
    expect(after.status).toBe(200);
    expect(after.json()).toMatchObject({ sub: 'alice', sid: pair.sessionId, iat: clock.now() / 1_000 });
    expect(after.headers['x-refresh-token']).toMatch(/^.{20,}$/);
    expect(after.headers['x-refresh-token']).not.toBe(pair.refreshToken);
  });

  it('needs no table of sessions, and asks the database nothing about them', async () => {
    const statements: string[] = [];
    const builder = application({}, { synchronize: false, statements });
    const clock = useTestTokens(builder);
    const { app, get } = await start(builder);
    const { headers } = await signInAs(app, 'alice');
    clock.advance('16m');
    expect((await get('/me', headers)).status).toBe(200);
    await app.get(RefreshService).revokeAll('alice');
    expect((await get('/me', headers)).json()).toMatchObject({ errorCode: 'session_revoked' });
    expect(statements.filter((sql) => sql.includes('token_session'))).toEqual([]);
  });

  it('would notice a statement about sessions', async () => {
    const statements: string[] = [];
    const { app } = await start(application({}, { statements }));
    await app.get(RefreshService).signIn('alice');
    expect(statements.filter((sql) => sql.startsWith('INSERT') && sql.includes('token_session'))).toHaveLength(1);
  });

  it('reaches named instances, and keeps their sessions apart', async () => {
    const builder = application({}, { synchronize: false });
    const clock = useTestTokens(builder);
    const { app, get } = await start(builder);
    const { headers } = await signInAs(app, 'root', { name: 'admin' });
    clock.advance('16m');
    expect((await get('/admin', headers)).status).toBe(200);
    expect((await get('/me', headers)).json()).toMatchObject({ errorCode: 'refresh_invalid' });
  });

  it('reaches a module of forRootAsync', async () => {
    const options = { issuer: ISSUER, secret: SECRET };
    const builder = Test.createTestingModule({
      imports: [
        TypeOrmModule.forRoot({ type: 'better-sqlite3', database: ':memory:', autoLoadEntities: true }),
        TokenModule.forRootAsync({ globalGuard: true, useFactory: async () => options }),
      ],
      controllers: [MeController],
    });
    const clock = useTestTokens(builder);
    const { app, get } = await start(builder);
    const { headers } = await signInAs(app, 'alice');
    clock.advance('16m');
    expect((await get('/me', headers)).status).toBe(200);
  });

  it('takes the clock that it is given, and returns it', async () => {
    const builder = application();
    const clock = new FakeClock(Date.parse('2031-05-01T12:00:00Z'));
    expect(useTestTokens(builder, { clock })).toBe(clock);
    const { app } = await start(builder);
    await signInAs(app, 'alice');
    await expect(app.get(RefreshService).sessions('alice')).resolves.toMatchObject([{ createdAt: clock.now() }]);
  });

  it("replaces a repository of the application's own, which is not even made", async () => {
    @Injectable()
    class OwnRepository extends InMemoryTokenRepository {
      static readonly made: OwnRepository[] = [];
      constructor() {
        super();
        OwnRepository.made.push(this);
      }
    }
    const builder = application({ repository: OwnRepository });
    useTestTokens(builder);
    const { app, get } = await start(builder);
    const { headers } = await signInAs(app, 'alice');
    expect((await get('/me', headers)).status).toBe(200);
    expect(OwnRepository.made).toEqual([]);
  });
});
