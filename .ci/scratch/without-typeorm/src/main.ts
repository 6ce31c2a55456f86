// Applications in which TypeORM is not installed: one with a repository of its own, and one without sessions. Each signs in and calls a
// guarded route, and the second one also gets a token that takes the place of its first one. An application with sessions and without a
// repository must not start, and must say what to install. Exits 0 when everything is as expected.
import 'reflect-metadata';
import assert from 'node:assert/strict';
import { Controller, Get, HttpCode, Injectable, Module, Post, UseGuards } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  type AccessTokenResponse,
  CurrentUser,
  JwtAuthGuard,
  RefreshService,
  SignInService,
  TokenModule,
  TokenOptionsError,
  type TokenPair,
} from 'nestjs-token';
import { InMemoryTokenRepository } from 'nestjs-token/testing';

/** Stands for the store of an application. */
@Injectable()
class OwnRepository extends InMemoryTokenRepository {}

@Controller()
class AppController {
  constructor(private readonly refresh: RefreshService) {}

  @Post('login')
  @HttpCode(200)
  login(): Promise<TokenPair> {
    return this.refresh.signIn('alice');
  }

  @UseGuards(JwtAuthGuard)
  @Get('me')
  me(@CurrentUser('sub') sub: string): { sub: string } {
    return { sub };
  }
}

@Controller()
class StatelessController {
  constructor(private readonly signIns: SignInService) {}

  @Post('login')
  @HttpCode(200)
  login(): Promise<AccessTokenResponse> {
    return this.signIns.signIn('alice');
  }

  @UseGuards(JwtAuthGuard)
  @Get('me')
  me(@CurrentUser('sub') sub: string): { sub: string } {
    return { sub };
  }
}

const OPTIONS = { issuer: 'https://api.example.com', secret: 'a secret of this test, 8f1c0e5b7d2a4936' };

@Module({ imports: [TokenModule.forRoot({ ...OPTIONS, repository: OwnRepository })], controllers: [AppController] })
class AppModule {}

const SLIDING = { sessions: false, access: { lifetime: '2s', jitter: 0, sliding: true } } as const;

@Module({ imports: [TokenModule.forRoot({ ...OPTIONS, ...SLIDING })], controllers: [StatelessController] })
class StatelessModule {}

@Module({
  imports: [TokenModule.forRootAsync({ stateless: true, useFactory: () => ({ ...OPTIONS, ...SLIDING }) })],
  controllers: [StatelessController],
})
class AsyncStatelessModule {}

@Module({ imports: [TokenModule.forRoot(OPTIONS)] })
class ModuleWithoutStore {}

async function isInstalled(name: string): Promise<boolean> {
  return import(name).then(
    () => true,
    () => false,
  );
}

assert.deepEqual(await Promise.all(['typeorm', '@nestjs/typeorm'].map(isInstalled)), [false, false]);

/** Signs in at an application, and calls its guarded route with and without the token. */
async function use(module: object, afterMs = 0): Promise<Response> {
  const app = await NestFactory.create(module, { logger: ['warn', 'error'] });
  await app.listen(0, '127.0.0.1');
  const url = await app.getUrl();
  const login = await fetch(`${url}/login`, { method: 'POST' });
  const issued = (await login.json()) as { access_token: string };
  await new Promise((resolve) => setTimeout(resolve, afterMs));
  const me = await fetch(`${url}/me`, { headers: { authorization: `Bearer ${issued.access_token}` } });
  assert.deepEqual([login.status, me.status, await me.json(), (await fetch(`${url}/me`)).status], [200, 200, { sub: 'alice' }, 401]);
  await app.close();
  return me;
}

await use(AppModule);
for (const module of [StatelessModule, AsyncStatelessModule]) {
  const me = await use(module, 1_100);
  assert.match(me.headers.get('authorization') ?? '', /^Bearer eyJ/);
  assert.equal(me.headers.get('x-refresh-token'), null);
}

await assert.rejects(
  NestFactory.create(ModuleWithoutStore, { logger: false, abortOnError: false }),
  (error: unknown) => error instanceof TokenOptionsError && error.message.includes('npm install typeorm @nestjs/typeorm'),
);
console.log('without TypeORM: an own repository works, no sessions work, and no repository names what to install');
