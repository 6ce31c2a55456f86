import { afterAll, beforeAll, expect } from '@jest/globals';
import type { CanActivate, ExecutionContext, LoggerService, Type } from '@nestjs/common';
import { All, Body, Controller, Get, HttpCode, Injectable, Post, UseGuards, UseInterceptors } from '@nestjs/common';
import { getDataSourceToken } from '@nestjs/typeorm';
import type { Principal, TokenErrorCode, TokenPair, TokenRequest } from 'nestjs-token';
import {
  AccessTokenService,
  CurrentUser,
  JwtAuthGuard,
  OptionalAuth,
  RefreshService,
  RefreshToken,
  RefreshTokenGuard,
  TOKEN_ERRORS,
  TokenError,
  TokenInterceptor,
} from 'nestjs-token';
import { tokenHeaders } from 'nestjs-token/testing';
import { connect } from 'node:net';
import { inspect } from 'node:util';
import type { DataSource } from 'typeorm';
import type { AdapterName, Answer, AppSetup, CallOptions, TestApp } from '../support/app.js';
import { startApp } from '../support/app.js';
import type { Signer } from '../support/forge.js';
import { Forge } from '../support/forge.js';

/** What an application did while it was asked something. */
export class Witness {
  /** Handlers that ran. */
  handled = 0;
  /** Statements on the table of sessions, without the poll of revocations. */
  statements: string[] = [];
  /** Everything that was logged or printed. */
  lines: string[] = [];
}

/** A running application, one signed-in user, and all that is observed of them. */
export interface Probe extends TestApp {
  readonly witness: Witness;
  readonly good: TokenPair;
  readonly forge: Forge;
  readonly accessTokens: AccessTokenService;
  readonly refresh: RefreshService;
  /** Request headers with the good access token, in its place. */
  readonly bearer: Record<string, string>;
}

export interface ProbeSetup extends AppSetup {
  /** Signs like the application. @defaultValue HS256 with the test secret */
  sign?: Signer;
}

/** An application whose routes count their calls and whose statements and log are recorded. */
export async function startProbe(adapter: AdapterName, { sign, ...setup }: ProbeSetup = {}): Promise<Probe> {
  const witness = new Witness();
  const controllers = [witnessedController(witness), refreshController(witness), ...(setup.controllers ?? [])];
  const running = await startApp({ adapter, ...setup, controllers });
  const { app } = running;
  app.useLogger(recorder(witness));
  const stop = [process.stdout, process.stderr].map((stream) => record(stream, witness));
  recordStatements(app.get<DataSource>(getDataSourceToken()), witness);
  const refresh = app.get(RefreshService);
  const good = await refresh.signIn('alice', { claims: { roles: ['reader'] } });
  const close = async (): Promise<void> => {
    for (const restore of stop) restore();
    await running.close();
  };
  const { Cookie } = tokenHeaders(app, good);
  const bearer = Cookie?.includes(good.accessToken) ? { cookie: Cookie.split('; ')[0]! } : { authorization: `Bearer ${good.accessToken}` };
  const forge = new Forge(good.accessToken, sign);
  return { ...running, close, witness, good, bearer, forge, accessTokens: app.get(AccessTokenService), refresh };
}

/** One probe for all tests of a `describe`. */
export function probed(adapter: AdapterName, setup: ProbeSetup | (() => ProbeSetup) = {}): () => Probe {
  let probe: Probe | undefined;
  beforeAll(async () => {
    probe = await startProbe(adapter, typeof setup === 'function' ? setup() : setup);
  });
  afterAll(() => probe?.close());
  return () => probe!;
}

@Injectable()
class AdminsOnly implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const roles: unknown = context.switchToHttp().getRequest<TokenRequest & { user?: { roles?: unknown } }>().user?.roles;
    return Array.isArray(roles) && roles.includes('admin');
  }
}

function witnessedController(witness: Witness): Type {
  @Controller()
  @UseGuards(JwtAuthGuard)
  class Witnessed {
    @Get('me')
    me(@CurrentUser() user: Principal): Principal {
      witness.handled++;
      return user;
    }

    @OptionalAuth()
    @Get('optional')
    optional(@CurrentUser() user?: Principal): object {
      witness.handled++;
      return { sub: user?.sub ?? null };
    }

    @All('any')
    any(@CurrentUser() user: Principal): object {
      witness.handled++;
      return { sub: user.sub };
    }

    @Get('admin')
    @UseGuards(AdminsOnly)
    admin(): object {
      witness.handled++;
      return {};
    }
  }
  return Witnessed;
}

/** The explicit refresh endpoint that an application would write. */
function refreshController(witness: Witness): Type {
  @Controller()
  class Refreshing {
    constructor(private readonly refresh: RefreshService) {}

    @Post('refresh')
    @HttpCode(200)
    @UseInterceptors(TokenInterceptor)
    @UseGuards(RefreshTokenGuard)
    async rotate(@RefreshToken() token?: string, @Body() body?: { refresh_token?: unknown }): Promise<object> {
      const { pair, principal, outcome } = await this.refresh.rotate((token ?? body?.refresh_token) as string);
      witness.handled++;
      return { tokens: pair, sub: principal.sub, sid: principal.sid, outcome };
    }
  }
  return Refreshing;
}

function recorder(witness: Witness): LoggerService {
  const write = (...message: unknown[]): void => void witness.lines.push(message.map((part) => inspect(part, { depth: 6 })).join(' '));
  return { log: write, error: write, warn: write, debug: write, verbose: write, fatal: write };
}

function record(stream: NodeJS.WriteStream, witness: Witness): () => void {
  const write = stream.write.bind(stream);
  stream.write = ((...args: Parameters<typeof write>) => {
    witness.lines.push(String(args[0]));
    return write(...args);
  }) as typeof stream.write;
  return () => {
    stream.write = write;
  };
}

function recordStatements(dataSource: DataSource, witness: Witness): void {
  const logger = dataSource.logger;
  const isPoll = (sql: string): boolean => sql.startsWith('SELECT * FROM (SELECT "id" AS "id", "revokedAt" AS "revokedAt"');
  const logQuery = (sql: string): void => {
    if (sql.includes('token_session') && !isPoll(sql)) witness.statements.push(sql);
  };
  dataSource.logger = Object.assign(Object.create(logger) as typeof logger, { logQuery });
}

/** What a refusal looks like. The default is 401i: 401 with `error="invalid_token"`, whichever code, and no statement. */
export interface Refusal {
  status?: number | readonly number[];
  /** bare: 401n. @defaultValue invalid_token */
  challenge?: 'bare' | 'invalid_token' | 'none';
  code?: TokenErrorCode;
  /** The row allows statements on the table of sessions. */
  mayAsk?: boolean;
  /** The transport changes the text (white space around it), so that `verify` sees another one. */
  verify?: false;
  /** The cookies that the response makes the browser delete. @defaultValue none */
  clears?: readonly ('access' | 'refresh' | 'csrf')[];
}

/** 401n: nothing that could be a credential came. */
export const NO_CREDENTIAL: Refusal = { challenge: 'bare', code: 'token_missing' };
/** Answered by the application or its body parser, or by Node: refused, and never a fault. */
export const OUTSIDE: Refusal = { status: [400, 401, 404, 413, 431], challenge: 'none' };

const CHALLENGE = /^Bearer( error="invalid_token", error_description="[\x20\x21\x23-\x5b\x5d-\x7e]*")?$/;

/**
 * Sends a bad credential, as the bearer token where it is text, and asserts all that holds for every row of the catalogue: the verdict and
 * its challenge, no fault, no handler, no statement, no token on the answer or in the log, and that the good token works as before.
 */
export async function refuses(
  probe: Probe,
  credential: string | (CallOptions & { path?: string }),
  expected: Refusal = {},
): Promise<Answer> {
  const bearer = typeof credential === 'string' ? credential : undefined;
  const { path = '/me', ...options } = typeof credential === 'string' ? { headers: { authorization: `Bearer ${credential}` } } : credential;
  const before = snapshot(probe);
  const answers = [await probe.call(path, options)];
  if (bearer !== undefined && expected.challenge === undefined) answers.push(await probe.call('/optional', options));
  for (const answer of answers) judge(answer, expected);
  if (bearer !== undefined && expected.verify !== false && answers[0]!.status === 401) {
    expect(await codeOf(probe.accessTokens.verify(bearer))).toBe(answers[0]!.json<{ errorCode: string }>().errorCode);
  }
  untouched(probe, before, expected);
  for (const answer of answers) {
    setsNoToken(answer, expected);
    keepsSecret(probe, answer, secretsIn(credential));
  }
  await stillWorks(probe);
  return answers[0]!;
}

/** The verdict of the service on text that no header can carry. */
export async function verifyRefuses(probe: Probe, token: string, code?: TokenErrorCode): Promise<void> {
  const before = snapshot(probe);
  const verdict = await codeOf(probe.accessTokens.verify(token));
  expect(Object.keys(TOKEN_ERRORS)).toContain(verdict);
  if (code) expect(verdict).toBe(code);
  untouched(probe, before, {});
  await stillWorks(probe);
}

/** The token is accepted by both ways of verifying. @returns the principal as the handler saw it. */
export async function accepts(probe: Probe, token: string): Promise<Principal & Record<string, unknown>> {
  const answer = await probe.call('/me', { headers: { authorization: `Bearer ${token}` } });
  expect([answer.status, answer.text]).toEqual([200, expect.any(String)]);
  const principal = answer.json<Principal & Record<string, unknown>>();
  expect((await probe.accessTokens.verify(token)).sub).toBe(principal.sub);
  return principal;
}

/** Writes bytes to a socket and reads until the server closes it. Status 0: closed without an answer. */
export function exchange(port: number, bytes: string | Buffer): Promise<{ status: number; head: string; body: string }> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      const [head = '', body = ''] = Buffer.concat(chunks).toString('latin1').split('\r\n\r\n');
      resolve({ status: Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? 0), head, body });
    });
  });
}

/** A raw GET of a guarded route with these header lines. */
export async function rawGet(probe: Probe, lines: readonly string[]): ReturnType<typeof exchange> {
  const text = ['GET /me HTTP/1.1', 'Host: localhost', 'Connection: close', ...lines, '', ''].join('\r\n');
  return exchange(probe.port, Buffer.from(text, 'latin1'));
}

/** Sends header lines that no HTTP client would, and asserts what {@link refuses} asserts. */
export async function rawRefuses(probe: Probe, lines: readonly string[], statuses: readonly number[]): ReturnType<typeof exchange> {
  const before = snapshot(probe);
  const answer = await rawGet(probe, lines);
  expect(statuses).toContain(answer.status);
  untouched(probe, before, {});
  expect(answer.head).not.toMatch(/set-cookie|x-refresh-token|^authorization/im);
  await stillWorks(probe);
  return answer;
}

interface Snapshot {
  readonly handled: number;
  readonly statements: number;
}

function snapshot({ witness }: Probe): Snapshot {
  return { handled: witness.handled, statements: witness.statements.length };
}

function untouched({ witness }: Probe, before: Snapshot, { mayAsk = false }: Refusal): void {
  expect(witness.handled - before.handled).toBe(0);
  if (!mayAsk) expect(witness.statements.slice(before.statements)).toEqual([]);
}

function judge(answer: Answer, { status = 401, challenge = 'invalid_token', code }: Refusal): void {
  expect([status].flat()).toContain(answer.status);
  if (challenge === 'none') return;
  const value = answer.headers['www-authenticate'] ?? '';
  expect(value).toMatch(CHALLENGE);
  expect(value.includes('error="invalid_token"')).toBe(challenge === 'invalid_token');
  if (answer.text === '') return;
  const body = answer.json<{ errorCode: TokenErrorCode }>();
  expect(Object.keys(TOKEN_ERRORS)).toContain(body.errorCode);
  const signIn = TOKEN_ERRORS[body.errorCode].terminal ? ['signIn'] : [];
  expect(Object.keys(body).sort()).toEqual(['error', 'errorCode', 'message', ...signIn, 'statusCode']);
  if (code) expect(body.errorCode).toBe(code);
}

async function codeOf(verdict: Promise<unknown>): Promise<unknown> {
  const error = await verdict.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(TokenError);
  return (error as TokenError).errorCode;
}

/** Text of a credential that must turn up nowhere: itself and its segments, where they are long enough to be told from other text. */
function secretsIn(credential: string | CallOptions): string[] {
  const texts =
    typeof credential === 'string'
      ? [credential]
      : Object.entries(credential.headers ?? {}).flatMap(([name, value]) => (/authorization|token|cookie/i.test(name) ? value : []));
  return texts.flatMap((text) => [text, ...text.split(/[\s.=;,"]+/)]).filter((text) => text.length >= 16);
}

function setsNoToken({ headers }: Answer, { clears = [] }: Refusal): void {
  expect(Object.keys(headers).filter((name) => ['authorization', 'x-refresh-token', 'x-access-token-expires-in'].includes(name))).toEqual(
    [],
  );
  const cookies = (headers['set-cookie'] ?? []).map((line) => line.replace(/; Path=.*/, ''));
  expect(cookies).toEqual(clears.map((name) => `__Host-${name}=; Max-Age=0`));
}

function keepsSecret({ witness, good }: Probe, answer: Answer, secrets: readonly string[]): void {
  const shown = [...answer.rawHeaders, answer.text, ...witness.lines].join('\n');
  const leaked = [...secrets, good.accessToken, good.refreshToken!].filter((secret) => shown.includes(secret));
  expect(leaked).toEqual([]);
  witness.lines.length = 0;
}

/** A refused token poisons nothing: the good one is accepted as before. */
export async function stillWorks({ call, good, bearer, accessTokens }: Probe): Promise<void> {
  const answer = await call('/me', { headers: bearer });
  expect([answer.status, answer.json<Principal>().sub]).toEqual([200, 'alice']);
  expect((await accessTokens.verify(good.accessToken)).sub).toBe('alice');
}
