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
import type { Answer, TestApp } from '../support/app.js';
import { ADAPTERS, bearing, expired, MeController, startApp } from '../support/app.js';

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

const TOKEN_HEADERS = ['authorization', 'x-refresh-token', 'x-access-token-expires-in', 'cache-control', 'pragma'];

describe.each(ADAPTERS)('a refresh inside the request on %s', (adapter) => {
  let running: TestApp;
  beforeAll(async () => {
    const controllers = [Shapes, adapter === 'express' ? ExpressShapes : FastifyShapes, MeController];
    running = await startApp({ adapter, controllers });
    running.app.useLogger(false);
  });
  afterAll(() => running.close());

  async function refreshedAnswer(path: string, method = 'GET'): Promise<Answer> {
    const pair = await running.app.get(RefreshService).signIn('alice');
    return running.call(path, { method, headers: bearing(expired(running.app, pair)) });
  }

  it.each(SHAPES)('delivers the new pair exactly once, uncacheable, with %s', async (_title, path, status, method) => {
    const answer = await refreshedAnswer(path, method);
    const names = answer.rawHeaders.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase());
    expect(answer.status).toBe(status);
    expect(names.filter((name) => TOKEN_HEADERS.includes(name)).sort()).toEqual([...TOKEN_HEADERS].sort());
    expect(answer.headers).toMatchObject({ 'cache-control': 'no-store', pragma: 'no-cache' });
    expect(answer.headers.vary).toMatch(/Authorization, Cookie, Origin, Sec-Fetch-Site/);
    expect(answer.headers['access-control-expose-headers']).toMatch(/Authorization, X-Refresh-Token, X-Access-Token-Expires-In/);
    expect(Number(answer.headers['x-access-token-expires-in'])).toBeGreaterThanOrEqual(809);
  });

  it.each(SHAPES)('delivers a pair that works, with %s', async (_title, path, _status, method) => {
    const { headers } = await refreshedAnswer(path, method);
    const authorization = headers.authorization as string;
    expect((await running.call('/me', { headers: { authorization } })).status).toBe(200);
    const refreshToken = headers['x-refresh-token'] as string;
    expect(await running.app.get(RefreshService).rotate(refreshToken)).toMatchObject({ outcome: 'kept' });
  });

  it("keeps the application's own headers and lists", async () => {
    const answer = await refreshedAnswer('/vary');
    expect(answer.headers.vary).toBe('Accept-Encoding, origin, Authorization, Cookie, Sec-Fetch-Site, X-Refresh-Token');
    expect(answer.headers['access-control-expose-headers']).toBe('X-Total, Authorization, X-Refresh-Token, X-Access-Token-Expires-In');
    expect((await refreshedAnswer('/res')).headers['x-app']).toBe('yes');
  });

  it('keeps what is passed to writeHead', async () => {
    const answer = await refreshedAnswer('/raw');
    expect(answer.headers['content-type']).toBe('text/plain');
    expect(answer.text).toBe('raw');
    if (adapter === 'fastify') expect(answer.headers['set-cookie']).toEqual(['a=1', 'b=2']);
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
    const pair = await running.app.get(RefreshService).signIn('alice');
    const first = await running.call('/ok', { headers: bearing(pair) });
    const etag = first.headers.etag;
    if (etag === undefined) {
      expect(adapter).toBe('fastify');
      return;
    }
    const answer = await running.call('/ok', { headers: { ...bearing(expired(running.app, pair)), 'if-none-match': etag } });
    expect([answer.status, answer.headers['cache-control'], answer.headers['x-refresh-token']?.length]).toEqual([304, 'no-store', 56]);
  });

  it('leaves the headers of an ordinary answer alone', async () => {
    const pair = await running.app.get(RefreshService).signIn('alice');
    const answer = await running.call('/public', { headers: bearing(pair) });
    expect((await running.call('/targeted', { headers: bearing(pair) })).headers['x-accel-expires']).toBe('3600');
    expect(answer.headers).toMatchObject({ 'cache-control': 'public, max-age=3600', 'cdn-cache-control': 'max-age=600' });
    expect(answer.headers['x-refresh-token']).toBeUndefined();
  });
});
