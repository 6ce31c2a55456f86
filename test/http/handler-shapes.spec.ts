import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { CanActivate, MessageEvent } from '@nestjs/common';
import {
  BadRequestException,
  Controller,
  Get,
  Head,
  Header,
  HttpCode,
  Injectable,
  Param,
  ParseIntPipe,
  Redirect,
  Res,
  Sse,
  StreamableFile,
  UseGuards,
} from '@nestjs/common';
import type { Response } from 'express';
import type { FastifyReply } from 'fastify';
import { JwtAuthGuard, RefreshService } from 'nestjs-token';
import { Readable } from 'node:stream';
import type { Observable } from 'rxjs';
import { of } from 'rxjs';
import { expiredPair, issueTestPair, tokenHeaders } from 'nestjs-token/testing';
import type { AdapterName, Answer, TestApp } from '../support/app.js';
import { ADAPTERS, cookieNamesOf, MeController, startApp } from '../support/app.js';

@Injectable()
class Nobody implements CanActivate {
  canActivate(): boolean {
    return false;
  }
}

@Controller()
@UseGuards(JwtAuthGuard)
class Shapes {
  @Get('ok')
  ok(): object {
    return { ok: true };
  }

  @Get('empty')
  @HttpCode(204)
  empty(): void {}

  @Get('bad')
  bad(): never {
    throw new BadRequestException('no');
  }

  @Get('boom')
  async boom(): Promise<never> {
    throw new Error('boom');
  }

  @Get('forbidden')
  @UseGuards(Nobody)
  forbidden(): void {}

  @Get('pipe/:id')
  pipe(@Param('id', ParseIntPipe) id: number): number {
    return id;
  }

  @Get('redirect')
  @Redirect('/elsewhere', 302)
  redirect(): void {}

  @Get('stream')
  stream(): StreamableFile {
    return new StreamableFile(Readable.from([Buffer.from('a'), Buffer.from('b')]));
  }

  @Sse('events')
  events(): Observable<MessageEvent> {
    return of({ data: 'one' });
  }

  @Head('head')
  head(): void {}

  @Get('public')
  @Header('Cache-Control', 'public, max-age=3600')
  @Header('CDN-Cache-Control', 'max-age=600')
  public(): string {
    return 'x';
  }

  @Get('targeted')
  @Header('X-Accel-Expires', '3600')
  @Header('Surrogate-Control', 'max-age=3600')
  @Header('Cloudflare-CDN-Cache-Control', 'max-age=3600')
  @Header('Edge-Control', 'cache-maxage=1h')
  @Header('X-LiteSpeed-Cache-Control', 'public, max-age=3600')
  targeted(): string {
    return 'x';
  }

  @Get('vary')
  @Header('Vary', 'Accept-Encoding, origin')
  @Header('Access-Control-Expose-Headers', 'X-Total')
  vary(): string {
    return 'x';
  }
}

@Controller()
@UseGuards(JwtAuthGuard)
class ExpressShapes {
  @Get('res')
  res(@Res() response: Response): void {
    response.set('X-App', 'yes').send('sent');
  }

  @Get('res-later')
  resLater(@Res() response: Response): void {
    setTimeout(() => response.json({ late: true }), 5);
  }

  @Get('raw')
  raw(@Res() response: Response): void {
    response.writeHead(200, { 'Content-Type': 'text/plain', 'Cache-Control': 'public' });
    response.end('raw');
  }
}

@Controller()
@UseGuards(JwtAuthGuard)
class FastifyShapes {
  @Get('res')
  res(@Res() reply: FastifyReply): void {
    void reply.header('X-App', 'yes').send('sent');
  }

  @Get('res-later')
  resLater(@Res() reply: FastifyReply): void {
    setTimeout(() => void reply.send({ late: true }), 5);
  }

  @Get('raw')
  raw(@Res() reply: FastifyReply): void {
    reply.hijack();
    reply.raw.writeHead(200, 'Fine', ['Content-Type', 'text/plain', 'Set-Cookie', 'a=1', 'Set-Cookie', 'b=2']);
    reply.raw.end('raw');
  }
}

const SHAPES: [title: string, path: string, status: number, method: string][] = [
  ['200 with a body', '/ok', 200, 'GET'],
  ['204', '/empty', 204, 'GET'],
  ['a thrown 400', '/bad', 400, 'GET'],
  ['a thrown error, 500', '/boom', 500, 'GET'],
  ["a later guard's 403", '/forbidden', 403, 'GET'],
  ["a pipe's 400", '/pipe/x', 400, 'GET'],
  ['a redirect', '/redirect', 302, 'GET'],
  ['@Res() sent at once', '/res', 200, 'GET'],
  ['@Res() sent later', '/res-later', 200, 'GET'],
  ['a stream', '/stream', 200, 'GET'],
  ['server-sent events', '/events', 200, 'GET'],
  ['HEAD', '/head', 200, 'HEAD'],
  ['a raw or hijacked response', '/raw', 200, 'GET'],
  ['a handler that wants to be cached', '/public', 200, 'GET'],
];

const MODES = ['header', 'cookie', 'mixed'] as const;
type Mode = (typeof MODES)[number];
const CASES = MODES.flatMap((mode) => ADAPTERS.map((adapter): [Mode, AdapterName] => [mode, adapter]));

/** Where the tokens of a response are in each mode: its headers, and the names of its cookies. */
const PLACES: Record<Mode, { headers: string[]; cookies: string[] }> = {
  header: { headers: ['authorization', 'x-refresh-token'], cookies: [] },
  cookie: { headers: [], cookies: ['__Host-access', '__Host-refresh'] },
  mixed: { headers: ['authorization'], cookies: ['__Host-refresh'] },
};

/** The headers of every response with tokens, in any mode. */
const OTHER_HEADERS = ['x-access-token-expires-in', 'cache-control', 'pragma'];
const WATCHED = [...PLACES.header.headers, ...OTHER_HEADERS];

describe.each(CASES)('a refresh inside the request in %s mode on %s', (mode, adapter) => {
  const places = PLACES[mode];
  let running: TestApp;
  beforeAll(async () => {
    const controllers = [Shapes, adapter === 'express' ? ExpressShapes : FastifyShapes, MeController];
    running = await startApp({ adapter, controllers, options: { transport: mode } });
    running.app.useLogger(false);
  });
  afterAll(() => running.close());

  async function refreshedAnswer(path: string, method = 'GET'): Promise<Answer> {
    const pair = await expiredPair(running.app, 'alice');
    return running.call(path, { method, headers: tokenHeaders(running.app, pair) });
  }

  it.each(SHAPES)('RR-14 delivers the new pair exactly once, uncacheable, with %s', async (_title, path, status, method) => {
    const answer = await refreshedAnswer(path, method);
    const names = answer.rawHeaders.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase());
    expect(answer.status).toBe(status);
    expect(names.filter((name) => WATCHED.includes(name)).sort()).toEqual([...places.headers, ...OTHER_HEADERS].sort());
    expect(cookieNamesOf(answer).filter((name) => name.startsWith('__Host-'))).toEqual(places.cookies);
    expect(answer.headers).toMatchObject({ 'cache-control': 'no-store', pragma: 'no-cache' });
    expect(answer.headers.vary).toMatch(/Authorization, Cookie, Origin, Sec-Fetch-Site/);
    expect(Number(answer.headers['x-access-token-expires-in'])).toBeGreaterThanOrEqual(809);
  });

  it.each(SHAPES)('delivers a pair that works, with %s', async (_title, path, _status, method) => {
    const answer = await refreshedAnswer(path, method);
    const { access, ...headers } = sentBack(answer);
    expect((await running.call('/me', { headers: { ...access } })).status).toBe(200);
    expect(await running.app.get(RefreshService).rotate(headers.refreshToken)).toMatchObject({ outcome: 'kept' });
  });

  it.each(SHAPES)('CK-03 shows no token that travels in a cookie anywhere else, with %s', async (_title, path, _status, method) => {
    const answer = await refreshedAnswer(path, method);
    const readable = [answer.text, JSON.stringify({ ...answer.headers, 'set-cookie': undefined })].join();
    const inCookies = tokenCookies(answer).map((line) => valueOf(line));
    expect(inCookies.length).toBe(places.cookies.length);
    expect(inCookies.filter((token) => token.length < 40 || readable.includes(token))).toEqual([]);
  });

  it("CK-11 exposes its token headers and no others, in addition to the application's own", async () => {
    const exposed = { header: 'Authorization, X-Refresh-Token, ', cookie: '', mixed: 'Authorization, ' }[mode];
    const ordinary = await refreshedAnswer('/ok');
    expect(ordinary.headers['access-control-expose-headers']).toBe(`${exposed}X-Access-Token-Expires-In`);
    expect(ordinary.headers['access-control-allow-origin']).toBeUndefined();
    const answer = await refreshedAnswer('/vary');
    expect(answer.headers['access-control-expose-headers']).toBe(`X-Total, ${exposed}X-Access-Token-Expires-In`);
  });

  it("keeps the application's own headers and lists", async () => {
    const answer = await refreshedAnswer('/vary');
    expect(answer.headers.vary).toBe('Accept-Encoding, origin, Authorization, Cookie, Sec-Fetch-Site, X-Refresh-Token');
    expect((await refreshedAnswer('/res')).headers['x-app']).toBe('yes');
  });

  it('keeps what is passed to writeHead', async () => {
    const answer = await refreshedAnswer('/raw');
    expect(answer.headers['content-type']).toBe('text/plain');
    expect(answer.text).toBe('raw');
    if (adapter === 'fastify') expect(cookieNamesOf(answer)).toEqual(['a', 'b', ...places.cookies]);
  });

  it('removes targeted cache control that would win over no-store', async () => {
    expect((await refreshedAnswer('/public')).headers['cdn-cache-control']).toBeUndefined();
  });

  it('tells nginx not to store the response, and removes what other caches rank above no-store (F-16)', async () => {
    const { headers } = await refreshedAnswer('/targeted');
    expect([headers['x-accel-expires'], headers['cache-control']]).toEqual(['0', 'no-store']);
    const targeted = ['surrogate-control', 'cloudflare-cdn-cache-control', 'edge-control', 'x-litespeed-cache-control'];
    expect(targeted.map((name) => headers[name])).toEqual([undefined, undefined, undefined, undefined]);
  });

  it('delivers the pair on 304', async () => {
    const first = await running.call('/ok', { headers: tokenHeaders(running.app, await issueTestPair(running.app, 'alice')) });
    const etag = first.headers.etag;
    if (etag === undefined) {
      expect(adapter).toBe('fastify');
      return;
    }
    const headers = { ...tokenHeaders(running.app, await expiredPair(running.app, 'alice')), 'if-none-match': etag };
    const answer = await running.call('/ok', { headers });
    expect([answer.status, answer.headers['cache-control']]).toEqual([304, 'no-store']);
    expect(sentBack(answer).refreshToken).toHaveLength(56);
  });

  it('leaves the headers of an ordinary answer alone', async () => {
    const headers = tokenHeaders(running.app, await issueTestPair(running.app, 'alice'));
    const answer = await running.call('/public', { headers });
    expect((await running.call('/targeted', { headers })).headers['x-accel-expires']).toBe('3600');
    expect(answer.headers).toMatchObject({ 'cache-control': 'public, max-age=3600', 'cdn-cache-control': 'max-age=600' });
    expect([answer.headers['x-refresh-token'], answer.headers['set-cookie']]).toEqual([undefined, undefined]);
  });
});

/** What a client sends with its next request: its access token in its place, and its refresh token. */
function sentBack(answer: Answer): { access: Record<string, string>; refreshToken: string } {
  const cookies = Object.fromEntries(tokenCookies(answer).map((line) => [line.slice(0, line.indexOf('=')), valueOf(line)]));
  const { authorization = '', 'x-refresh-token': refresh } = answer.headers;
  const inCookie = cookies['__Host-access'];
  return {
    access: inCookie === undefined ? { authorization } : { cookie: `__Host-access=${inCookie}` },
    refreshToken: cookies['__Host-refresh'] ?? String(refresh),
  };
}

function tokenCookies({ headers }: Answer): string[] {
  return (headers['set-cookie'] ?? []).filter((line) => /^__Host-(access|refresh)=/.test(line));
}

function valueOf(line: string): string {
  return line.slice(line.indexOf('=') + 1, line.indexOf(';'));
}
