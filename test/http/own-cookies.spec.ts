import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { INestApplication, Type } from '@nestjs/common';
import {
  BadRequestException,
  Controller,
  Delete,
  Get,
  HttpCode,
  Post,
  Redirect,
  Req,
  Res,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import fastifyCookie from '@fastify/cookie';
import cookieParser from 'cookie-parser';
import session from 'express-session';
import type { NextFunction, Request, Response } from 'express';
import type { FastifyReply } from 'fastify';
import { ClearTokens, JwtAuthGuard, RefreshService, RefreshToken, RefreshTokenGuard, TokenInterceptor } from 'nestjs-token';
import { expiredPair, issueTestPair, tokenHeaders } from 'nestjs-token/testing';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AdapterName, Answer, TestApp } from '../support/app.js';
import { ADAPTERS, cookieNamesOf, startApp } from '../support/app.js';

const OWN = 'theme=dark; Path=/';
/** The three forms that `writeHead` takes headers in. */
const HEADS = {
  object: { 'Content-Type': 'text/plain', 'Set-Cookie': ['a=1', 'b=2'] },
  one: { 'set-cookie': 'a=1' },
  flat: ['Content-Type', 'text/plain', 'Set-Cookie', 'a=1', 'set-cookie', 'b=2'],
  pairs: [
    ['Content-Type', 'text/plain'],
    ['Set-Cookie', 'a=1'],
    ['Set-Cookie', 'b=2'],
  ],
} as const;

@Controller()
@UseGuards(JwtAuthGuard)
class ExpressCookies {
  @Get('helper')
  helper(@Res({ passthrough: true }) response: Response): string {
    response.cookie('theme', 'dark').cookie('lang', 'en', { httpOnly: true });
    return 'done';
  }

  @Get('sent')
  sent(@Res() response: Response): void {
    response.cookie('theme', 'dark').send('done');
  }

  @Get('replaced')
  replaced(@Res({ passthrough: true }) response: Response): string {
    response.set('Set-Cookie', OWN);
    return 'done';
  }

  @Get('removed')
  removed(@Res({ passthrough: true }) response: Response): string {
    for (const name of response.getHeaderNames()) response.removeHeader(name);
    return 'done';
  }

  @Get('redirect')
  @Redirect('/elsewhere')
  redirect(@Res({ passthrough: true }) response: Response): void {
    response.cookie('theme', 'dark');
  }

  @Get('failure')
  failure(@Res({ passthrough: true }) response: Response): void {
    response.cookie('theme', 'dark');
    throw new BadRequestException();
  }

  @Get('head/:form')
  head(@Req() request: Request<{ form: keyof typeof HEADS }>, @Res() response: Response): void {
    response.writeHead(200, HEADS[request.params.form] as never);
    response.end('raw');
  }
}

@Controller()
@UseGuards(JwtAuthGuard)
class FastifyCookies {
  @Get('helper')
  helper(@Res({ passthrough: true }) reply: FastifyReply): string {
    void reply.setCookie('theme', 'dark').setCookie('lang', 'en', { httpOnly: true });
    return 'done';
  }

  @Get('sent')
  sent(@Res() reply: FastifyReply): void {
    void reply.setCookie('theme', 'dark').send('done');
  }

  @Get('replaced')
  replaced(@Res({ passthrough: true }) reply: FastifyReply): string {
    reply.raw.setHeader('Set-Cookie', OWN);
    return 'done';
  }

  @Get('removed')
  removed(@Res({ passthrough: true }) reply: FastifyReply): string {
    for (const name of reply.raw.getHeaderNames()) reply.raw.removeHeader(name);
    return 'done';
  }

  @Get('redirect')
  @Redirect('/elsewhere')
  redirect(@Res({ passthrough: true }) reply: FastifyReply): void {
    void reply.setCookie('theme', 'dark');
  }

  @Get('failure')
  failure(@Res({ passthrough: true }) reply: FastifyReply): void {
    void reply.header('set-cookie', OWN);
    throw new BadRequestException();
  }

  @Get('head/:form')
  head(@Req() request: { params: { form: keyof typeof HEADS } }, @Res() reply: FastifyReply): void {
    reply.hijack();
    reply.raw.writeHead(200, HEADS[request.params.form] as never);
    reply.raw.end('raw');
  }
}

/** Sign-in and sign-out of an application that also has cookies of its own. */
@Controller('session')
@UseInterceptors(TokenInterceptor)
class SessionController {
  constructor(private readonly refresh: RefreshService) {}

  @Post()
  @HttpCode(200)
  signIn(@Res({ passthrough: true }) response: ServerResponse & { raw?: ServerResponse }): Promise<object> {
    (response.raw ?? response).appendHeader('Set-Cookie', OWN);
    return this.refresh.signIn('alice');
  }

  @Delete()
  @HttpCode(204)
  @ClearTokens()
  @UseGuards(RefreshTokenGuard)
  async signOut(
    @RefreshToken() token: string,
    @Res({ passthrough: true }) response: ServerResponse & { raw?: ServerResponse },
  ): Promise<void> {
    (response.raw ?? response).appendHeader('Set-Cookie', OWN);
    await this.refresh.signOut(token);
  }
}

const CONTROLLERS: Record<AdapterName, Type> = { express: ExpressCookies, fastify: FastifyCookies };
const CASES = (['cookie', 'mixed', 'header'] as const).flatMap((mode) =>
  ADAPTERS.map((adapter): [typeof mode, AdapterName] => [mode, adapter]),
);
const OURS = { cookie: ['__Host-access', '__Host-refresh'], mixed: ['__Host-refresh'], header: [] };

/** The handlers, the cookies that they set, and the handler that does the same in a form of which Node loses nothing (it loses cookies of lists). */
const HANDLERS: [title: string, path: string, cookies: string[], same?: string][] = [
  ['the helper of the platform', '/helper', ['theme', 'lang']],
  ['@Res() and a response that it sends itself', '/sent', ['theme']],
  ['a Set-Cookie header that replaces ours', '/replaced', ['theme']],
  ['the removal of every header', '/removed', []],
  ['a redirect', '/redirect', ['theme']],
  ['an error', '/failure', ['theme']],
  ['an object for writeHead', '/head/object', ['a', 'b']],
  ['one cookie for writeHead', '/head/one', ['a']],
  ['a flat list for writeHead', '/head/flat', ['a', 'b'], '/head/object'],
  ['pairs for writeHead', '/head/pairs', ['a', 'b'], '/head/object'],
];

function ownCookie(_request: IncomingMessage, response: ServerResponse, next: NextFunction): void {
  response.appendHeader('Set-Cookie', 'early=1');
  next();
}

/** What an application installs, and the cookies that an ordinary response has then. */
const NEIGHBOURS: [title: string, prepare: (app: INestApplication) => unknown, cookies: string[]][] = [
  ['nothing else', () => undefined, []],
  ['a middleware that sets a cookie', (app) => app.use(ownCookie), ['early']],
  ['cookie-parser with a secret', (app) => app.use(cookieParser('a secret')), []],
  [
    'express-session, which sets its cookie when the head is written',
    (app) => app.use(session({ secret: 'a secret', resave: false, saveUninitialized: true })),
    ['connect.sid'],
  ],
];

describe.each(CASES)("an application's own cookies in %s mode on %s", (mode, adapter) => {
  describe.each(NEIGHBOURS)('with %s', (_title, install, early) => {
    let running: TestApp;
    beforeAll(async () => {
      const prepare = async (app: INestApplication): Promise<void> => {
        if (adapter === 'fastify') await (app as NestFastifyApplication).register(fastifyCookie, { secret: 'a secret' });
        install(app);
      };
      running = await startApp({ adapter, controllers: [CONTROLLERS[adapter], SessionController], options: { transport: mode }, prepare });
      running.app.useLogger(false);
    });
    afterAll(() => running.close());

    const answerOf = async (path: string, pairOf: typeof expiredPair): Promise<Answer> => {
      const pair = await pairOf(running.app, 'alice');
      return running.call(path, { headers: tokenHeaders(running.app, pair) });
    };

    it.each(HANDLERS)('are the same as without a refresh, and ours are there once, after %s', async (_what, path, own, same = path) => {
      const plain = cookieNamesOf(await answerOf(same, issueTestPair));
      expect(plain).toEqual(expect.arrayContaining(own));
      const answer = await answerOf(path, expiredPair);
      expect(cookieNamesOf(answer).sort()).toEqual([...plain, ...OURS[mode]].sort());
      expect(answer.headers['cache-control']).toBe('no-store');
    });

    it('are there at all', async () => {
      expect(cookieNamesOf(await answerOf('/helper', issueTestPair)).sort()).toEqual([...early, 'theme', 'lang'].sort());
    });

    it('are there after a sign-in and a sign-out, too', async () => {
      const csrf = mode === 'header' ? [] : ['__Host-csrf'];
      const signedIn = await running.call('/session', { method: 'POST' });
      expect([signedIn.status, cookieNamesOf(signedIn).sort()]).toEqual([200, [...early, 'theme', ...OURS[mode], ...csrf].sort()]);
      const headers = tokenHeaders(running.app, await issueTestPair(running.app, 'alice'));
      const signedOut = await running.call('/session', { method: 'DELETE', headers });
      const cleared = mode === 'header' ? [] : ['__Host-access', '__Host-refresh', '__Host-csrf'];
      expect([signedOut.status, cookieNamesOf(signedOut).sort()]).toEqual([204, [...early, 'theme', ...cleared].sort()]);
    });

    it('do not keep the new tokens from working', async () => {
      const lines = (await answerOf('/helper', expiredPair)).headers['set-cookie'] ?? [];
      const tokens = lines.flatMap((line) => /^__Host-refresh=([^;]+)/.exec(line)?.[1] ?? []);
      expect(tokens.length).toBe(mode === 'header' ? 0 : 1);
      for (const token of tokens) expect(await running.app.get(RefreshService).rotate(token)).toMatchObject({ outcome: 'kept' });
    });
  });
});
