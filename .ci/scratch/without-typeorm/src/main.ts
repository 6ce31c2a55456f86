// An application with a repository of its own, in which TypeORM is not installed: sign in, call a guarded route, refresh, sign out. The same
// application without a repository must not start, and must say what to install. Exits 0 when everything is as expected.
import 'reflect-metadata';
import assert from 'node:assert/strict';
import { Controller, Get, HttpCode, Injectable, Module, Post, UseGuards } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CurrentUser, JwtAuthGuard, RefreshService, TokenModule, TokenOptionsError, type TokenPair } from 'nestjs-token';
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

const OPTIONS = { issuer: 'https://api.example.com', secret: 'a secret of this test, 8f1c0e5b7d2a4936' };

@Module({ imports: [TokenModule.forRoot({ ...OPTIONS, repository: OwnRepository })], controllers: [AppController] })
class AppModule {}

@Module({ imports: [TokenModule.forRoot(OPTIONS)] })
class ModuleWithoutStore {}

async function isInstalled(name: string): Promise<boolean> {
  return import(name).then(
    () => true,
    () => false,
  );
}

assert.deepEqual(await Promise.all(['typeorm', '@nestjs/typeorm'].map(isInstalled)), [false, false]);

const app = await NestFactory.create(AppModule, { logger: ['warn', 'error'] });
await app.listen(0, '127.0.0.1');
const url = await app.getUrl();
const login = await fetch(`${url}/login`, { method: 'POST' });
const pair = (await login.json()) as { access_token: string };
const me = await fetch(`${url}/me`, { headers: { authorization: `Bearer ${pair.access_token}` } });
assert.deepEqual([login.status, me.status, await me.json(), (await fetch(`${url}/me`)).status], [200, 200, { sub: 'alice' }, 401]);
await app.close();

await assert.rejects(
  NestFactory.create(ModuleWithoutStore, { logger: false, abortOnError: false }),
  (error: unknown) => error instanceof TokenOptionsError && error.message.includes('npm install typeorm @nestjs/typeorm'),
);
console.log('without TypeORM: an own repository works, and no repository names what to install');
