import { ModulesContainer } from '@nestjs/core';
import type { INestApplication, ModuleMetadata, Type } from '@nestjs/common';
import { Controller, Get, Module, UseGuards } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { TestingModuleBuilder } from '@nestjs/testing';
import { Test } from '@nestjs/testing';
import { TypeOrmModule } from '@nestjs/typeorm';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { Agent, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import jwt from 'jsonwebtoken';
import type { Principal, TokenModuleRootOptions } from 'nestjs-token';
import { Clock, CurrentUser, JwtAuthGuard, TokenModule, TokenPair } from 'nestjs-token';
import { randomUUID } from 'node:crypto';
import type { InstanceLifecycle, ResolvedTokenOptions } from './lib.js';
import { instancesIn } from './lib.js';

export const ADAPTERS = ['express', 'fastify'] as const;
export type AdapterName = (typeof ADAPTERS)[number];

export const ISSUER = 'https://api.example.com';
export const SECRET = 'q8Zt3vK1xW7mB5nR2cY9dF4gH6jL0pSa-test-secret';

/** A route behind the guard, for tests that need no other. */
@Controller()
@UseGuards(JwtAuthGuard)
export class MeController {
  @Get('me')
  me(@CurrentUser() user: Principal): Principal {
    return user;
  }
}

export interface AppSetup {
  adapter?: AdapterName;
  /** Options of the instance without a name, in addition to issuer and secret. With null, only `imports` brings a TokenModule. */
  options?: Partial<TokenModuleRootOptions> | null;
  controllers?: Type[];
  providers?: ModuleMetadata['providers'];
  imports?: ModuleMetadata['imports'];
  /** Replaces the clock of every instance. */
  clock?: Clock;
  /** Replaces providers of the application. */
  override?: (builder: TestingModuleBuilder) => void;
  /** Called before the application is initialised. */
  prepare?: (app: INestApplication) => void | Promise<void>;
  /** Whether Nest adds its parsers of bodies. @defaultValue true */
  bodyParser?: boolean;
  /** Where the application listens. @defaultValue any free port */
  port?: number;
  /** The SQLite file of the application. @defaultValue in memory */
  database?: string;
}

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  rawHeaders: string[];
  text: string;
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- names what the test expects
  json<T = Record<string, unknown>>(): T;
}

export interface CallOptions {
  method?: string;
  headers?: Record<string, string | string[]>;
  body?: unknown;
  /** Gives the request up. Its response is lost then. */
  signal?: AbortSignal;
}

export interface TestApp {
  app: INestApplication;
  port: number;
  call(path: string, options?: CallOptions): Promise<Answer>;
  close(): Promise<void>;
}

/** Starts an application that listens and has an SQLite database of its own. */
export async function startApp(setup: AppSetup = {}): Promise<TestApp> {
  const { adapter = 'express', controllers = [MeController], providers = [], imports = [] } = setup;
  @Module({ imports: [database(setup), ...tokenModules(setup), ...imports], controllers, providers })
  class TestModule {}
  const builder = Test.createTestingModule({ imports: [TestModule] });
  if (setup.clock) builder.overrideProvider(Clock).useValue(setup.clock);
  setup.override?.(builder);
  const compiled = await builder.compile();
  const own = { bodyParser: setup.bodyParser ?? true };
  const app: INestApplication =
    adapter === 'express' ? compiled.createNestApplication(own) : compiled.createNestApplication(new FastifyAdapter(), own);
  await setup.prepare?.(app);
  await app.listen(setup.port ?? 0, '127.0.0.1');
  const { port } = app.getHttpServer().address() as AddressInfo;
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  return {
    app,
    port,
    call: (path, options) => call({ port, agent, path, ...options }),
    close: async () => {
      agent.destroy();
      await app.close();
    },
  };
}

function database({ database: file = ':memory:' }: AppSetup): ReturnType<typeof TypeOrmModule.forRoot> {
  return TypeOrmModule.forRoot({ type: 'better-sqlite3', database: file, autoLoadEntities: true, synchronize: true });
}

function tokenModules({ options = {} }: AppSetup): ReturnType<typeof TokenModule.forRoot>[] {
  // Where everything that is written is searched for tokens, OpenTelemetry is told too.
  const telemetry = process.env['TEST_TOKENS_IN_LOGS'] === '1' && { telemetry: true };
  return options === null ? [] : [TokenModule.forRoot({ issuer: ISSUER, secret: SECRET, ...telemetry, ...options })];
}

/** A second module instance, `partner`, with keys and headers of its own. */
export function partnerModule(options: Partial<TokenModuleRootOptions> = {}): ReturnType<typeof TokenModule.forRoot> {
  const secret = SECRET.split('').reverse().join('');
  const header = { access: 'X-Partner', refresh: 'X-Partner-Refresh', scheme: '' } as const;
  return TokenModule.forRoot({ name: 'partner', issuer: ISSUER, secret, header, ...options });
}

/** Sends one HTTP request and returns its response unchanged. It adds no headers, joins none, and follows no redirects. */
export function call({
  port,
  agent,
  path,
  method = 'GET',
  headers = {},
  body,
  signal,
}: CallOptions & { port: number; agent?: Agent; path: string }): Promise<Answer> {
  const payload = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
  const sent =
    payload === undefined || Object.keys(headers).some((name) => name.toLowerCase() === 'content-type')
      ? headers
      : { 'content-type': 'application/json', ...headers };
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { host: '127.0.0.1', port, path, method, headers: sent, ...(agent && { agent }), ...(signal && { signal }) },
      (incoming) => {
        collect(incoming).then(resolve, reject);
      },
    );
    outgoing.on('error', reject);
    outgoing.end(payload);
  });
}

async function collect(incoming: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString('utf8');
  return {
    status: incoming.statusCode ?? 0,
    headers: incoming.headers,
    rawHeaders: incoming.rawHeaders,
    text,
    // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- names what the test expects
    json: <T>() => JSON.parse(text) as T,
  };
}

/** Returns the request headers that carry a pair. */
export function bearing(pair: Pick<TokenPair, 'accessToken'> & Partial<Pick<TokenPair, 'refreshToken'>>): Record<string, string> {
  return { authorization: `Bearer ${pair.accessToken}`, ...(pair.refreshToken !== undefined && { 'x-refresh-token': pair.refreshToken }) };
}

/** Returns the names of the cookies that an answer sets, in their order. */
export function cookieNamesOf({ headers }: Answer): string[] {
  return (headers['set-cookie'] ?? []).map((line) => line.slice(0, line.indexOf('=')));
}

/** An access token of the pair's session that is over, whatever the lifetimes are: expired an hour ago. */
export function expired(app: INestApplication, pair: TokenPair, claims: Record<string, unknown> = {}): TokenPair {
  const at = Date.now() - 3_600_000 - 900_000;
  const token = issuedAt(app, { pair, claims, at, authTime: at, lifetimeMs: 900_000 });
  const { refreshToken, tokenType, expiresIn, refreshExpiresIn, sessionId } = pair;
  return new TokenPair({ accessToken: token, ...(refreshToken && { refreshToken }), tokenType, expiresIn, refreshExpiresIn, sessionId });
}

/** The options of an instance, as the application has resolved them. */
export function resolvedOptionsOf(app: INestApplication, name = 'default'): ResolvedTokenOptions {
  const instance = instancesIn(app.get(ModulesContainer)).find((one) => one.name === name);
  return (instance as InstanceLifecycle).options;
}

/** An access token of the pair's session that the application could have issued at that instant, with the pair's other claims. */
export function issuedAt(app: INestApplication, { pair, claims = {}, at, authTime, lifetimeMs }: DatedToken): string {
  const { ring } = resolvedOptionsOf(app).access;
  const { kid, algorithm, signingKey } = ring.signing;
  const { iss, sub, aud, sid } = JSON.parse(Buffer.from(pair.accessToken.split('.')[1] ?? '', 'base64url').toString()) as Record<
    string,
    unknown
  >;
  const [iat, exp, auth_time] = [at, at + lifetimeMs, authTime].map((instant) => Math.floor(instant / 1_000));
  const payload = { ...claims, iss, sub, aud, sid, iat, exp, auth_time, jti: randomUUID() };
  return jwt.sign(payload, signingKey as never, { algorithm: algorithm as jwt.Algorithm, header: { alg: algorithm, typ: 'at+jwt', kid } });
}

interface DatedToken {
  pair: TokenPair;
  claims?: Record<string, unknown>;
  /** Epoch milliseconds. */
  at: number;
  /** Epoch milliseconds. */
  authTime: number;
  lifetimeMs: number;
}
