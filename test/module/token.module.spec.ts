import { afterEach, describe, expect, it, jest } from '@jest/globals';
import type { CanActivate, DynamicModule, ExecutionContext, INestApplication, ModuleMetadata, OnModuleInit, Type } from '@nestjs/common';
import { Controller, Get, Inject, Injectable, Logger, Module, Post, Req, UseGuards, UseInterceptors } from '@nestjs/common';
import { AuthGuard, PassportModule, PassportStrategy } from '@nestjs/passport';
import { Test } from '@nestjs/testing';
import { TypeOrmModule } from '@nestjs/typeorm';
import type { Principal, TokenModuleAsyncOptions, TokenModuleOptions, TokenModuleRootOptions, TokenOptionsFactory } from 'nestjs-token';
import {
  AccessTokenService,
  AuthInstance,
  CurrentUser,
  InjectAccessTokenService,
  InjectRefreshService,
  InjectTokenTransport,
  JwtAuthGuard,
  Public,
  RefreshService,
  TokenInterceptor,
  TokenModule,
  TokenOptionsError,
  TokenTransport,
} from 'nestjs-token';
import { SESSION_MIGRATIONS, TokenSessionEntity, TypeOrmTokenRepository } from 'nestjs-token/typeorm';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateKeyPairSync } from 'node:crypto';
import { inspect } from 'node:util';
import passport from 'passport';
import { Strategy } from 'passport-jwt';
import { DataSource } from 'typeorm';
import { StandardTransport } from '../support/lib.js';
import { FakeClock, InMemoryTokenRepository } from 'nestjs-token/testing';
import { codeOf } from '../support/access-tokens.js';
import type { TestApp } from '../support/app.js';
import { ADAPTERS, bearing, expired, ISSUER, MeController, SECRET, startApp, resolvedOptionsOf } from '../support/app.js';
import { CapturedLog, CapturedQueries } from '../support/captured-log.js';
import { openSqlite } from '../support/sqlite.js';
import { findLeaks } from '../support/leaks.js';
import { CompiledProgram } from '../support/process/compiled-program.js';
import { TestProcess } from '../support/process/test-process.js';
import type { RefusedOption } from '../support/option-cases.js';
import { optionsWith, REFUSED_OPTIONS, SECRETS_IN_CASES } from '../support/option-cases.js';

type Imports = NonNullable<ModuleMetadata['imports']>;

const GOOD = { issuer: ISSUER, secret: SECRET };
const repository = InMemoryTokenRepository;

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  jest.restoreAllMocks();
  Logger.overrideLogger(['log', 'error', 'warn', 'debug', 'verbose', 'fatal']);
  for (const one of open.splice(0)) await one.close();
});

/** What a constructor may do. */
function connect(): never {
  throw new Error('no such host');
}

async function listening(...args: Parameters<typeof startApp>): Promise<TestApp> {
  const running = await startApp(...args);
  open.push(running);
  return running;
}

/** An application that is initialised but does not listen. */
async function initialised(imports: Imports, providers: Type[] = []): Promise<INestApplication> {
  const testing = await Test.createTestingModule({ imports, providers }).compile();
  const app = testing.createNestApplication();
  app.useLogger(false);
  open.push(app);
  return app.init();
}

async function startUpError(imports: () => Imports): Promise<TokenOptionsError> {
  try {
    await initialised(imports());
  } catch (error) {
    if (error instanceof TokenOptionsError) return error;
    throw error;
  }
  throw new Error('the application started');
}

function withFactoryClass(options: TokenModuleOptions, use: 'useClass' | 'useExisting'): DynamicModule {
  @Injectable()
  class Factory implements TokenOptionsFactory {
    createTokenOptions(): TokenModuleOptions {
      return options;
    }
  }
  @Module({ providers: [Factory], exports: [Factory] })
  class FactoryModule {}
  const source = use === 'useClass' ? { useClass: Factory } : { imports: [FactoryModule], useExisting: Factory };
  return TokenModule.forRootAsync({ repository, ...source });
}

const FORMS: Record<string, (options: TokenModuleOptions) => DynamicModule> = {
  forRoot: (options) => TokenModule.forRoot({ ...options, repository }),
  'forRootAsync with useFactory': (options) => TokenModule.forRootAsync({ repository, useFactory: () => options }),
  'forRootAsync with an async useFactory': (options) =>
    TokenModule.forRootAsync({ repository, useFactory: async () => Promise.resolve(options) }),
  'forRootAsync with useClass': (options) => withFactoryClass(options, 'useClass'),
  'forRootAsync with useExisting': (options) => withFactoryClass(options, 'useExisting'),
};

/** A share of the cases for each of the asynchronous forms, another one for each: they differ in how the options arrive only. */
function everyFourth(form: string): readonly RefusedOption[] {
  const first = Object.keys(FORMS).indexOf(form);
  return REFUSED_OPTIONS.filter((_, index) => index % 4 === first - 1);
}

describe.each(Object.entries(FORMS))('TokenModule.%s', (form, moduleOf) => {
  it(`starts with good options (${form})`, async () => {
    const app = await initialised([moduleOf(GOOD)]);
    const { accessToken } = await app.get(RefreshService).signIn('alice');
    expect(await app.get(AccessTokenService).verify(accessToken)).toMatchObject({ sub: 'alice' });
  });

  it(`CF-04 refuses every wrong option before the application listens, by name, without a secret (${form})`, async () => {
    const wrong: string[] = [];
    for (const [title, change, option, remedy] of form === 'forRoot' ? REFUSED_OPTIONS : everyFourth(form)) {
      const error = await startUpError(() => [moduleOf(optionsWith(change))]);
      if (error.option !== option || !remedy.test(error.message)) wrong.push(`${title}: ${error.message}`);
      if (findLeaks(inspect(error), SECRETS_IN_CASES).length > 0) wrong.push(`${title}: leaks`);
    }
    expect(wrong).toEqual([]);
  }, 30_000);
});

describe('TokenModule', () => {
  describe('checks what is known when it is declared', () => {
    it.each<[title: string, extras: Record<string, unknown>, option: string]>([
      ['a name with a space', { name: 'a b' }, 'name'],
      ['an empty name', { name: '' }, 'name'],
      ['a name that is a number', { name: 5 }, 'name'],
      ['a name from a missing variable', { name: undefined }, 'name'],
      ['isGlobal of text', { isGlobal: 'false' }, 'isGlobal'],
      ['globalGuard of text', { globalGuard: 'true' }, 'globalGuard'],
      ['globalGuard: undefined', { globalGuard: undefined }, 'globalGuard'],
      ['an empty dataSource', { dataSource: '' }, 'dataSource'],
      ['a dataSource from a missing variable', { dataSource: undefined }, 'dataSource'],
      ['a repository that is an object', { repository: {} }, 'repository'],
      ['a null repository', { repository: null }, 'repository'],
      ['an empty passportStrategy', { passportStrategy: '' }, 'passportStrategy'],
      ['passportStrategy: true', { passportStrategy: true }, 'passportStrategy'],
    ])('CF-03 refuses %s in both forms', (_, extras, option) => {
      expect(() => TokenModule.forRoot({ ...GOOD, ...extras })).toThrow(expect.objectContaining({ option }));
      const useFactory = () => GOOD;
      expect(() => TokenModule.forRootAsync({ useFactory, ...extras })).toThrow(expect.objectContaining({ option }));
    });

    it.each([undefined, null, 5, 'text'])('CF-03 refuses %p instead of options', (options) => {
      expect(() => TokenModule.forRoot(options as never)).toThrow(TokenOptionsError);
      expect(() => TokenModule.forRootAsync(options as never)).toThrow(TokenOptionsError);
    });

    it.each(['secret', 'issuer', 'isGloabl', 'useFactroy', 'extraProviders'])('CF-03 refuses %s beside useFactory', (key) => {
      const options = { useFactory: () => GOOD, [key]: SECRET } as TokenModuleAsyncOptions;
      expect(() => TokenModule.forRootAsync(options)).toThrow(
        expect.objectContaining({ option: key, message: expect.stringMatching(/return it from the factory, or check its spelling/) }),
      );
    });

    it('CF-03 refuses no source of options, and two', () => {
      for (const options of [{}, { useFactory: () => GOOD, useClass: MeController }, { useFactory: undefined }]) {
        expect(() => TokenModule.forRootAsync(options as never)).toThrow(expect.objectContaining({ option: 'options' }));
      }
    });

    it.each([undefined, null, 5, 'text'])('CF-03 refuses %p from a factory', async (options) => {
      const error = await startUpError(() => [TokenModule.forRootAsync({ repository, useFactory: () => options as never })]);
      expect(error).toMatchObject({ option: 'options', message: expect.stringMatching(/does the factory return them/) });
    });

    it('CF-03 refuses an extra from a factory, where it would come too late', async () => {
      const error = await startUpError(() => [
        TokenModule.forRootAsync({ repository, useFactory: () => ({ ...GOOD, globalGuard: true }) as never }),
      ]);
      expect(error.option).toBe('globalGuard');
    });

    it('says of an extra from a factory that it belongs next to the factory (F-38)', async () => {
      for (const extra of [{ globalGuard: true }, { name: 'admin' }, { repository }]) {
        const useFactory = () => ({ ...GOOD, ...extra }) as never;
        const error = await startUpError(() => [TokenModule.forRootAsync({ repository, useFactory })]);
        expect(error.message).toMatch(/^\w+: comes too late from a factory.* Write it next to useFactory/);
      }
    });

    it('passes on what a factory throws', async () => {
      const broken = TokenModule.forRootAsync({ repository, useFactory: () => Promise.reject(new Error('vault is sealed')) });
      await expect(initialised([broken])).rejects.toThrow('vault is sealed');
    });
  });

  it('gives the factory what it asks for', async () => {
    @Module({ providers: [{ provide: 'SETTINGS', useValue: GOOD }], exports: ['SETTINGS'] })
    class SettingsModule {}
    const useFactory = (settings: TokenModuleOptions) => settings;
    const app = await initialised([TokenModule.forRootAsync({ repository, imports: [SettingsModule], inject: ['SETTINGS'], useFactory })]);
    expect(app.get(RefreshService)).toBeInstanceOf(RefreshService);
  });

  it('logs the warnings of its options at start-up', async () => {
    const warn = jest.spyOn(Logger.prototype, 'warn').mockReturnValue(undefined);
    await initialised([TokenModule.forRoot({ ...GOOD, repository, refresh: { grace: '1m', secret: 'abcdefghijklmno'.repeat(3) } })]);
    expect(warn.mock.calls.flat()).toEqual([
      expect.stringMatching(/^refresh\.grace: /),
      expect.stringMatching(/^refresh\.secret has only 15 distinct bytes/),
    ]);
  });

  describe('is global or not', () => {
    @Injectable()
    class Consumer {
      constructor(
        readonly refresh: RefreshService,
        readonly accessTokens: AccessTokenService,
        readonly transport: TokenTransport,
      ) {}
    }
    @Module({ providers: [Consumer] })
    class Feature {}

    it('serves a module that does not import it', async () => {
      const app = await initialised([TokenModule.forRoot({ ...GOOD, repository }), Feature]);
      const { refresh, accessTokens, transport } = app.get(Consumer, { strict: false });
      expect([refresh, accessTokens, transport].map((part) => part.constructor)).toEqual([
        RefreshService,
        AccessTokenService,
        StandardTransport,
      ]);
    });

    it('does not serve it with isGlobal: false', async () => {
      const local = TokenModule.forRoot({ ...GOOD, repository, isGlobal: false });
      await expect(initialised([local, Feature])).rejects.toThrow(/can't resolve dependencies/);
    });

    it('serves a module that imports it with isGlobal: false', async () => {
      const local = TokenModule.forRoot({ ...GOOD, repository, isGlobal: false });
      @Module({ imports: [local], providers: [Consumer] })
      class Importing {}
      const app = await initialised([Importing]);
      expect(app.get(Consumer, { strict: false }).refresh).toBeInstanceOf(RefreshService);
    });

    it.each([true, false])('guards routes anywhere with isGlobal: %p', async (isGlobal) => {
      const running = await listening({ options: { isGlobal } });
      const pair = await running.app.get(RefreshService, { strict: false }).signIn('alice');
      expect((await running.call('/me', { headers: bearing(pair) })).status).toBe(200);
    });
  });

  describe('with globalGuard (CF-06)', () => {
    @Controller()
    class Routes {
      @Get('closed')
      closed(@CurrentUser('sub') sub: string): string {
        return sub;
      }

      @Get('open')
      @Public()
      open(): string {
        return 'open';
      }
    }
    @Controller('all-open')
    @Public()
    class AllOpen {
      @Get()
      open(): string {
        return 'open';
      }
    }

    it.each(ADAPTERS)('CF-06 closes every route but those that say @Public() on %s', async (adapter) => {
      const running = await listening({ adapter, controllers: [Routes, AllOpen], options: { globalGuard: true } });
      const statuses = await Promise.all(['/closed', '/open', '/all-open'].map(async (path) => (await running.call(path)).status));
      expect(statuses).toEqual([401, 200, 200]);
      const pair = await running.app.get(RefreshService).signIn('alice');
      expect((await running.call('/closed', { headers: bearing(pair) })).text).toBe('alice');
    });

    it('CF-06 refreshes once where the guard is bound to the route too', async () => {
      const running = await listening({ controllers: [MeController], options: { globalGuard: true } });
      const pair = await running.app.get(RefreshService).signIn('alice');
      const answer = await running.call('/me', { headers: bearing(expired(running.app, pair)) });
      expect(answer.status).toBe(200);
      expect(answer.rawHeaders.filter((name) => name.toLowerCase() === 'x-refresh-token')).toHaveLength(1);
    });
  });
});

describe('TokenModule in several instances', () => {
  @Injectable()
  class Desk {
    constructor(
      readonly users: RefreshService,
      @InjectRefreshService('admin') readonly admins: RefreshService,
      readonly userTokens: AccessTokenService,
      @InjectAccessTokenService('admin') readonly adminTokens: AccessTokenService,
      readonly userTransport: TokenTransport,
      @InjectTokenTransport('admin') readonly adminTransport: TokenTransport,
    ) {}
  }

  @Controller('admin')
  @AuthInstance('admin')
  @UseGuards(JwtAuthGuard)
  class AdminController {
    @Get()
    admin(@CurrentUser() user: Principal): Principal {
      return user;
    }
  }

  const sameEverything = { admin: GOOD, name: 'default' };

  async function desk(admin: Partial<TokenModuleRootOptions> = sameEverything.admin): Promise<TestApp & { desk: Desk }> {
    const running = await listening({
      imports: [TokenModule.forRoot({ ...GOOD, ...admin, name: 'admin' })],
      providers: [Desk],
      controllers: [MeController, AdminController],
    });
    running.app.useLogger(false);
    return Object.assign(running, { desk: running.app.get(Desk) });
  }

  it('gives each instance services of its own', async () => {
    const { users, admins, userTokens, adminTokens, userTransport, adminTransport } = (await desk()).desk;
    expect(new Set([users, admins]).size + new Set([userTokens, adminTokens]).size + new Set([userTransport, adminTransport]).size).toBe(6);
  });

  it('writes each session into the realm of its instance', async () => {
    const running = await desk();
    await running.desk.users.signIn('alice');
    await running.desk.admins.signIn('alice');
    const rows = await running.app.get(DataSource).getRepository(TokenSessionEntity).find();
    expect(rows.map(({ realm, subject }) => `${realm} ${subject}`).sort()).toEqual(['admin alice', 'default alice']);
  });

  describe('with one secret, issuer and table for both', () => {
    it('refuses the access tokens of the other, directly and on routes', async () => {
      const running = await desk();
      const [user, admin] = [await running.desk.users.signIn('alice'), await running.desk.admins.signIn('alice')];
      const ask = async (path: string, token: string) =>
        (await running.call(path, { headers: { authorization: `Bearer ${token}` } })).status;
      expect([await ask('/me', user.accessToken), await ask('/admin', admin.accessToken)]).toEqual([200, 200]);
      expect([await ask('/me', admin.accessToken), await ask('/admin', user.accessToken)]).toEqual([401, 401]);
      expect(await codeOf(() => running.desk.adminTokens.verify(user.accessToken))).toBe('token_invalid');
    });

    it('refuses the refresh tokens of the other, and leaves their sessions alone', async () => {
      const running = await desk();
      const [user, admin] = [await running.desk.users.signIn('alice'), await running.desk.admins.signIn('alice')];
      expect(await codeOf(() => running.desk.admins.rotate(user.refreshToken))).toBe('refresh_invalid');
      expect(await codeOf(() => running.desk.users.rotate(admin.refreshToken))).toBe('refresh_invalid');
      await running.desk.admins.signOut(user.refreshToken);
      expect((await running.desk.users.rotate(user.refreshToken)).outcome).toBe('rotated');
      expect((await running.desk.admins.rotate(admin.refreshToken)).outcome).toBe('rotated');
    });

    it('does not refresh on a route of the other', async () => {
      const running = await desk();
      const pair = expired(running.app, await running.desk.users.signIn('alice'));
      const answer = await running.call('/admin', { headers: bearing(pair) });
      expect([answer.status, answer.headers['x-refresh-token']]).toEqual([401, undefined]);
    });

    it('lists, revokes and purges nothing of the other', async () => {
      const running = await desk();
      const { users, admins } = running.desk;
      const [user, admin] = [await users.signIn('alice'), await admins.signIn('alice')];
      expect((await users.sessions('alice')).map(({ sessionId }) => sessionId)).toEqual([user.sessionId]);
      await admins.revoke(user.sessionId);
      expect(await users.sessions('alice')).toHaveLength(1);
      await admins.revokeAll('alice');
      expect(await admins.sessions('alice')).toHaveLength(0);
      expect((await users.rotate(user.refreshToken)).outcome).toBe('rotated');
      await users.revokeAll('alice', { except: admin.sessionId });
      expect(await codeOf(() => users.rotate(user.refreshToken))).toBe('session_revoked');
    });

    it("does not end the other's access tokens", async () => {
      const running = await desk();
      const [user, admin] = [await running.desk.users.signIn('alice'), await running.desk.admins.signIn('alice')];
      await running.desk.users.revokeAll('alice');
      expect(await codeOf(() => running.desk.adminTokens.verify(admin.accessToken))).toBe('none');
      expect(await codeOf(() => running.desk.userTokens.verify(user.accessToken))).toBe('token_revoked');
    });
  });

  it('keeps header names of its own', async () => {
    const running = await desk({ header: { access: 'X-Admin', scheme: '', refresh: 'X-Admin-Refresh', expiresIn: 'X-Admin-Expires-In' } });
    const { accessToken } = await running.desk.admins.signIn('alice');
    expect((await running.call('/admin', { headers: { 'x-admin': accessToken } })).status).toBe(200);
    expect((await running.call('/me', { headers: { 'x-admin': accessToken } })).status).toBe(401);
  });

  it('runs alone under a name', async () => {
    const running = await listening({ options: { name: 'admin' }, controllers: [AdminController] });
    const { accessToken } = await running.app.get<RefreshService>('nestjs-token:RefreshService:admin').signIn('root');
    expect((await running.call('/admin', { headers: { authorization: `Bearer ${accessToken}` } })).json()).toMatchObject({ sub: 'root' });
  });
});

describe('TokenModule and its store', () => {
  const memory = { type: 'better-sqlite3', database: ':memory:' } as const;
  const tokens = (extras: Partial<TokenModuleRootOptions> = {}) => TokenModule.forRoot({ ...GOOD, ...extras });
  const refusal = { option: 'dataSource' };

  /** A database file on which SQL has been run. */
  async function prepared(...statements: string[]): Promise<string> {
    const folder = mkdtempSync(join(tmpdir(), 'nestjs-token-'));
    open.push({ close: async () => rmSync(folder, { recursive: true }) });
    const database = join(folder, 'test.sqlite');
    const source = await new DataSource({ ...memory, database, migrations: SESSION_MIGRATIONS }).initialize();
    await source.runMigrations();
    for (const statement of statements) await source.query(statement);
    await source.destroy();
    return database;
  }

  it('CF-07 refuses to start when the entity is not registered', async () => {
    const error = await startUpError(() => [TypeOrmModule.forRoot({ ...memory, synchronize: true }), tokens()]);
    expect(error).toMatchObject({
      ...refusal,
      message: expect.stringMatching(/TokenSessionEntity is not registered: set autoLoadEntities: true/),
    });
  });

  it('CF-07 refuses to start without the table', async () => {
    const error = await startUpError(() => [TypeOrmModule.forRoot({ ...memory, autoLoadEntities: true }), tokens()]);
    expect(error).toMatchObject({ ...refusal, message: expect.stringMatching(/table token_session is missing: run the migrations/) });
  });

  it('CF-07 refuses to start without a column', async () => {
    const database = await prepared('ALTER TABLE token_session DROP COLUMN parentBranch', 'ALTER TABLE token_session DROP COLUMN label');
    const error = await startUpError(() => [TypeOrmModule.forRoot({ ...memory, database, autoLoadEntities: true }), tokens()]);
    expect(error).toMatchObject({
      ...refusal,
      message: expect.stringMatching(/lacks column parentBranch, column label: run the migrations/),
    });
  });

  it.each([
    ['IDX_token_session_live', '(realm, subject, revokedAt)'],
    ['IDX_token_session_revoked', '(realm, revokedAt, id)'],
    ['IDX_token_session_expiry', '(absoluteExpiresAt)'],
  ])('CF-07 refuses to start without the index %s', async (index, columns) => {
    const database = await prepared(`DROP INDEX ${index}`);
    const error = await startUpError(() => [TypeOrmModule.forRoot({ ...memory, database, autoLoadEntities: true }), tokens()]);
    expect(error).toMatchObject({ ...refusal, message: expect.stringContaining(`lacks index on ${columns}: run the migrations`) });
  });

  it('CF-07 refuses an engine that it does not know', async () => {
    const source = await openSqlite();
    open.push({ close: () => source.destroy() });
    const unknown = Object.create(source, { options: { value: { type: 'mssql' } } }) as DataSource;
    await expect(new TypeOrmTokenRepository(unknown).check()).rejects.toMatchObject({
      ...refusal,
      message: expect.stringMatching(/mssql is not supported; give a `repository`/),
    });
  });

  it('starts on the tables that the migrations make', async () => {
    const database = await prepared();
    const app = await initialised([TypeOrmModule.forRoot({ ...memory, database, autoLoadEntities: true }), tokens()]);
    const { refreshToken } = await app.get(RefreshService).signIn('alice');
    expect((await app.get(RefreshService).rotate(refreshToken)).outcome).toBe('rotated');
  });

  it('has migrations that make what synchronize makes, and take it away again', async () => {
    const migrated = await new DataSource({ ...memory, entities: [TokenSessionEntity], migrations: SESSION_MIGRATIONS }).initialize();
    open.push({ close: () => migrated.destroy() });
    await migrated.runMigrations();
    expect((await migrated.driver.createSchemaBuilder().log()).upQueries).toEqual([]);
    for (let left = SESSION_MIGRATIONS.length; left > 0; left--) await migrated.undoLastMigration();
    expect(await migrated.createQueryRunner().hasTable('token_session')).toBe(false);
  });

  it('starts with the entity in `entities`, without autoLoadEntities', async () => {
    const app = await initialised([TypeOrmModule.forRoot({ ...memory, entities: [TokenSessionEntity], synchronize: true }), tokens()]);
    expect((await app.get(RefreshService).signIn('alice')).sessionId).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('uses the DataSource that is named, and no other', async () => {
    const named = TypeOrmModule.forRoot({ ...memory, name: 'auth', autoLoadEntities: true, synchronize: true });
    const app = await initialised([TypeOrmModule.forRoot({ ...memory }), named, tokens({ dataSource: 'auth' })]);
    await app.get(RefreshService).signIn('alice');
    const [main, auth] = [app.get(DataSource), app.get<DataSource>('authDataSource')];
    expect([main.hasMetadata(TokenSessionEntity), await auth.getRepository(TokenSessionEntity).count()]).toEqual([false, 1]);
  });

  it('takes a repository of the application, whose constructor injects', async () => {
    @Injectable()
    class Own extends InMemoryTokenRepository {
      static inserted = 0;
      @Inject('LABEL') readonly label!: string;
      override insert(...args: Parameters<InMemoryTokenRepository['insert']>): ReturnType<InMemoryTokenRepository['insert']> {
        Own.inserted += this.label.length;
        return super.insert(...args);
      }
    }
    @Module({ providers: [{ provide: 'LABEL', useValue: 'x' }], exports: ['LABEL'] })
    class LabelModule {}
    Reflect.defineMetadata('__module:global__', true, LabelModule);
    const app = await initialised([LabelModule, TokenModule.forRoot({ ...GOOD, repository: Own })]);
    await app.get(RefreshService).signIn('alice');
    expect(Own.inserted).toBe(1);
  });

  it('names the remedy when a repository of the application injects what the module cannot see (F-38)', async () => {
    @Injectable()
    class Own extends InMemoryTokenRepository {
      @Inject('LABEL') readonly label!: string;
    }
    @Module({ providers: [{ provide: 'LABEL', useValue: 'x' }], exports: ['LABEL'] })
    class LabelModule {}
    const error = await startUpError(() => [LabelModule, tokens({ repository: Own })]);
    expect(error).toMatchObject({
      option: 'repository',
      message: expect.stringMatching(/Own injects what TokenModule cannot see: name its module in `imports` of forRootAsync/),
      cause: expect.objectContaining({ message: expect.stringContaining('LABEL') }),
    });
    const app = await initialised([TokenModule.forRootAsync({ imports: [LabelModule], repository: Own, useFactory: () => GOOD })]);
    expect((await app.get(RefreshService).signIn('alice')).sessionId).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('passes on what the constructor of a repository throws (F-38)', async () => {
    @Injectable()
    class Broken extends InMemoryTokenRepository {
      readonly connection = connect();
    }
    await expect(initialised([tokens({ repository: Broken })])).rejects.toThrow('no such host');
  });

  describe('and a clock that is not the present time', () => {
    const day = 86_400_000;
    const start = (clock: FakeClock, extras: Partial<TokenModuleRootOptions> = {}) =>
      listening({ clock, options: extras, controllers: [MeController] });

    it.each([new FakeClock(), new FakeClock(Date.now() + day), new FakeClock(Date.now() - day)])(
      'refuses to start with the clock of a database, case %# (F-41)',
      async (clock) => {
        await expect(start(clock)).rejects.toMatchObject({
          option: 'dataSource',
          message: expect.stringMatching(/give `repository: InMemoryTokenRepository`/),
        });
      },
    );

    it('starts with a repository that lives by the same clock, and with a clock that shows the present time (F-41)', async () => {
      for (const [clock, extras] of [
        [new FakeClock(), { repository }],
        [new FakeClock(Date.now()), {}],
      ] as const) {
        const running = await start(clock, extras);
        const pair = await running.app.get(RefreshService).signIn('alice');
        expect((await running.call('/me', { headers: bearing(pair) })).status).toBe(200);
      }
    });
  });

  it('needs no TypeORM with a repository of the application', async () => {
    const app = await initialised([tokens({ repository })]);
    const { refreshToken } = await app.get(RefreshService).signIn('alice');
    expect((await app.get(RefreshService).rotate(refreshToken)).outcome).toBe('rotated');
  });
});

describe('TokenModule and passport', () => {
  @Controller()
  class Legacy {
    @Get('legacy')
    @UseGuards(AuthGuard('jwt'))
    legacy(@Req() request: { user: Principal }): Principal {
      return request.user;
    }

    @Get('both')
    @UseGuards(JwtAuthGuard)
    both(@Req() request: { user: Principal; account?: Principal }): object {
      return { user: request.user.sub, account: request.account ?? null };
    }
  }

  it.each(ADAPTERS)("keeps routes on AuthGuard('jwt') working on %s", async (adapter) => {
    const running = await listening({ adapter, controllers: [Legacy], options: { passportStrategy: 'jwt' } });
    const pair = await running.app.get(RefreshService).signIn('alice', { claims: { roles: ['admin'] } });
    expect((await running.call('/legacy', { headers: bearing(pair) })).json()).toMatchObject({ sub: 'alice', roles: ['admin'] });
    expect((await running.call('/legacy')).status).toBe(401);
    expect((await running.call('/legacy', { headers: { authorization: `Bearer ${pair.accessToken.slice(0, -4)}AAAA` } })).status).toBe(401);
    await running.app.get(RefreshService).signOut(pair.refreshToken);
    expect((await running.call('/legacy', { headers: bearing(pair) })).status).toBe(401);
  });

  it.each(ADAPTERS)(
    'gives a route on AuthGuard(jwt) our checks with an EdDSA key too, which jsonwebtoken does not know, on %s',
    async (adapter) => {
      const key = generateKeyPairSync('ed25519').privateKey;
      const options = { keys: [{ algorithm: 'EdDSA' as const, key, use: 'sign' as const }], refresh: { secret: SECRET } };
      const imports = [TokenModule.forRoot({ issuer: ISSUER, passportStrategy: 'jwt', ...options })];
      const running = await listening({ adapter, controllers: [Legacy], options: null, imports });
      const pair = await running.app.get(RefreshService).signIn('alice');
      const [header, payload, signature = ''] = pair.accessToken.split('.');
      expect((await running.call('/legacy', { headers: bearing(pair) })).json()).toMatchObject({ sub: 'alice' });
      const changed = `${header}.${payload}.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`;
      for (const accessToken of [changed, 'a.b.c', `${header}.${payload}.AAAA`]) {
        expect((await running.call('/legacy', { headers: bearing({ accessToken }) })).status).toBe(401);
      }
      expect((await running.call('/legacy')).status).toBe(401);
      await running.app.get(RefreshService).signOut(pair.refreshToken);
      expect((await running.call('/legacy', { headers: bearing(pair) })).status).toBe(401);
    },
  );

  it('registers no strategy named jwt unless it is told to', async () => {
    const running = await listening({ controllers: [Legacy] });
    running.app.useLogger(false);
    const pair = await running.app.get(RefreshService).signIn('alice');
    expect((await running.call('/legacy', { headers: bearing(pair) })).status).toBe(500);
  });

  it('stays pinned to request.user when the application registers passport with another property and sessions', async () => {
    const imports = [PassportModule.register({ property: 'account', session: true, defaultStrategy: 'other' })];
    const running = await listening({ controllers: [Legacy], imports });
    const pair = await running.app.get(RefreshService).signIn('alice');
    for (let request = 0; request < 2; request++) {
      expect((await running.call('/both', { headers: bearing(pair) })).json()).toEqual({ user: 'alice', account: null });
    }
  });
});

describe('TokenModule and a strategy of the application', () => {
  const tokens = () => TokenModule.forRoot({ ...GOOD, repository, passportStrategy: 'jwt' });
  const registered = () => (passport as unknown as { _strategy(name: string): unknown })._strategy('jwt');

  class Own extends PassportStrategy(Strategy, 'jwt') {
    constructor() {
      super({ jwtFromRequest: () => null, secretOrKey: SECRET });
    }

    validate(): object {
      return {};
    }
  }
  @Injectable()
  class OwnLater implements OnModuleInit {
    onModuleInit(): void {
      new Own();
    }
  }
  @Module({ providers: [Own] })
  class OwnModule {}
  @Module({ providers: [OwnLater] })
  class OwnLaterModule {}

  afterEach(() => {
    if (registered()) passport.unuse('jwt');
  });

  it.each<[when: string, imports: () => Imports]>([
    ['before ours', () => [OwnModule, tokens()]],
    ['after ours', () => [tokens(), OwnModule]],
    ['in onModuleInit', () => [tokens(), OwnLaterModule]],
  ])('refuses to start when the application registers a strategy of that name %s, and leaves that one alone (F-35)', async (_, imports) => {
    const error = await startUpError(imports);
    expect(error).toMatchObject({
      option: 'passportStrategy',
      message: expect.stringMatching(/a strategy named 'jwt' is registered with passport already: remove it from the providers/),
    });
    expect(registered()).toBeInstanceOf(Own);
  });

  it('takes the name once the application before it is closed, and refuses to share it (F-35)', async () => {
    const first = await initialised([tokens()]);
    const error = await startUpError(() => [tokens()]);
    expect(error.message).toMatch(/already: passport has one registry for the whole process: close the other application first/);
    await first.close();
    expect(registered()).toBeUndefined();
    await initialised([tokens()]);
    expect(registered()).toBeDefined();
  });
});

describe('TokenModule in two applications of one process', () => {
  it('keeps them apart, and ends one without the other', async () => {
    const [one, other] = [await startApp({ options: { audience: 'one' } }), await listening({ options: { audience: 'other' } })];
    const pairs = [await one.app.get(RefreshService).signIn('alice'), await other.app.get(RefreshService).signIn('alice')];
    const status = async (app: TestApp, pair: (typeof pairs)[0]) => (await app.call('/me', { headers: bearing(pair) })).status;
    expect([await status(one, pairs[0]!), await status(one, pairs[1]!), await status(other, pairs[1]!)]).toEqual([200, 401, 200]);
    await one.close();
    const fresh = await other.app.get(RefreshService).signIn('bob');
    expect(await status(other, fresh)).toBe(200);
  });
});

describe('TokenModule and secrets (LG-01, KY-08)', () => {
  const REFRESH_SECRET = 'Zk4Qw7Ty1Ui8Op5As2Df9Gh6Jk3Lz0Xc-refresh-secret';

  @Injectable()
  class Denying implements CanActivate {
    canActivate(_: ExecutionContext): boolean {
      return false;
    }
  }

  @Controller()
  class Routes {
    constructor(private readonly refresh: RefreshService) {}

    @Post('login')
    @UseInterceptors(TokenInterceptor)
    async login(): Promise<object> {
      return { tokens: await this.refresh.signIn('alice', { device: { userAgent: 'curl' } }) };
    }

    @Get('denied')
    @UseGuards(JwtAuthGuard, Denying)
    denied(): void {}

    @Get('boom')
    @UseGuards(JwtAuthGuard)
    boom(): never {
      throw new Error('boom');
    }
  }

  it.each(ADAPTERS)('writes no token, no key and no 16 characters of one into any log, error or inspection on %s', async (adapter) => {
    const [log, queries] = [new CapturedLog(), new CapturedQueries()];
    const database = TypeOrmModule.forRoot({
      type: 'better-sqlite3',
      database: ':memory:',
      entities: [TokenSessionEntity],
      synchronize: true,
      logging: 'all',
      logger: queries,
      name: 'logged',
    });
    const options = { dataSource: 'logged', refresh: { secret: REFRESH_SECRET }, onEvent: (event: object) => log.log(event) };
    const running = await listening({
      adapter,
      options,
      imports: [database],
      controllers: [Routes, MeController],
      prepare: (app) => app.useLogger(log),
    });
    const refresh = running.app.get(RefreshService);
    const issued: string[] = [];
    const errors: unknown[] = [];

    const login = (await running.call('/login', { method: 'POST' })).json<{ tokens: { access_token: string; refresh_token: string } }>()
      .tokens;
    issued.push(login.access_token, login.refresh_token);
    const pair = await refresh.signIn('bob', { claims: { roles: ['admin'] } });
    const old = expired(running.app, pair);
    issued.push(pair.accessToken, pair.refreshToken!, old.accessToken);
    for (const path of ['/me', '/denied', '/boom', '/nowhere']) {
      const { headers } = await running.call(path, { headers: bearing(old) });
      for (const name of ['authorization', 'x-refresh-token'])
        if (typeof headers[name] === 'string') issued.push(headers[name].replace('Bearer ', ''));
    }
    await running.call('/me', {
      headers: { authorization: `Bearer ${pair.accessToken.slice(0, -4)}AAAA`, 'x-refresh-token': `${pair.refreshToken!.slice(0, -1)}_` },
    });
    const resolved = resolvedOptionsOf(running.app);
    const store = jest.spyOn(DataSource.prototype, 'createQueryRunner').mockImplementation(() => {
      throw new Error('the database is away');
    });
    for (const attempt of [
      () => refresh.rotate(pair.refreshToken),
      () => refresh.signIn('carol'),
      () => refresh.signOut(pair.refreshToken),
    ]) {
      await attempt().catch((error: unknown) => errors.push(error));
    }
    await running.call('/me', { headers: bearing(old) });
    store.mockRestore();
    await refresh.signOut(pair.refreshToken);
    await refresh.rotate(pair.refreshToken).catch((error: unknown) => errors.push(error));
    await running.call('/me', { headers: bearing(pair) });

    const keys = [resolved.access.ring.signing.signingKey, resolved.refresh.ring.signing.key].map((key) => key.export());
    const secrets = [...new Set(issued), SECRET, REFRESH_SECRET, ...keys];
    expect(issued.length).toBeGreaterThanOrEqual(8);
    expect(errors).toHaveLength(4);
    expect(queries.lines.length).toBeGreaterThan(10);
    expect(log.lines.length).toBeGreaterThan(5);
    const texts = {
      log: log.lines.join('\n'),
      queries: queries.lines.join('\n'),
      errors: inspect(errors, { depth: 9 }) + JSON.stringify(errors),
    };
    for (const [name, text] of Object.entries(texts)) expect({ [name]: findLeaks(text, secrets) }).toEqual({ [name]: [] });
    expect(findLeaks(inspect(running.app, { depth: 9, maxStringLength: null }), secrets)).toEqual([]);
  });

  it('KY-08 shows no secret in the providers of the container or the metadata of modules', async () => {
    const imports = [
      TokenModule.forRoot({ ...GOOD, repository }),
      TokenModule.forRootAsync({ name: 'admin', repository, useFactory: () => ({ ...GOOD, refresh: { secret: REFRESH_SECRET } }) }),
    ];
    const app = await initialised(imports);
    const container = (app as unknown as { container: { getModules(): Map<string, { providers: Map<unknown, unknown> }> } }).container;
    const providers = [...container.getModules().values()].flatMap((module) => [...module.providers.values()]);
    const text = inspect(providers, { depth: 9, maxStringLength: null, maxArrayLength: null }) + inspect(imports, { depth: 9 });
    expect(text).toContain('SealedOptions');
    expect(findLeaks(text, [SECRET, REFRESH_SECRET])).toEqual([]);
  });
});

describe('TokenModule at the end', () => {
  it('leaves nothing that keeps a process alive (VC-13)', async () => {
    const program = new CompiledProgram('test/support/closing-application.ts');
    open.push({ close: async () => program.dispose() });
    const application = new TestProcess(program.spawn('test/support/closing-application.ts', { timeout: 15_000 }));
    await application.ended;
    expect(application.log.trim().split('\n')).toEqual(['signed in', 'closed', 'exit 0']);
  }, 60_000);
});
