/**
 * The applications of `bench/guard.ts`, all in one process: `guard-server.js <express|fastify>`. In separate processes, two copies of the
 * same application differ by up to a quarter, because their memory happens to be laid out differently.
 */
import 'reflect-metadata';
import type { CanActivate, DynamicModule, INestApplication, Type } from '@nestjs/common';
import { Controller, Get, Injectable, Module, UseGuards } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AuthGuard, PassportModule, PassportStrategy } from '@nestjs/passport';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { TypeOrmModule } from '@nestjs/typeorm';
import { JwtAuthGuard, RefreshService, TokenModule } from 'nestjs-token';
import type { AddressInfo } from 'node:net';
import { ExtractJwt, Strategy } from 'passport-jwt';
import { serveParent } from './child-server.js';

const SECRET = 'a-secret-of-the-benchmark-with-41-letters';
const TOKENS = 100;

type Kind = 'open' | 'ours' | 'recipe';

@Injectable()
class OpenGuard implements CanActivate {
  canActivate(): boolean {
    return true;
  }
}

/** The usual recipe, which gives passport-jwt the secret as text. */
@Injectable()
class RecipeStrategy extends PassportStrategy(Strategy) {
  constructor() {
    super({ jwtFromRequest: ExtractJwt.fromAuthHeaderAsBearerToken(), secretOrKey: SECRET, algorithms: ['HS256'] });
  }

  validate(payload: { sub: string }): object {
    return { sub: payload.sub };
  }
}

function routeBehind(guard: Type<CanActivate>): Type {
  @Controller()
  @UseGuards(guard)
  class Route {
    @Get('me')
    me(): object {
      return { hello: 'world' };
    }
  }
  return Route;
}

function moduleOf(kind: Kind): DynamicModule {
  @Module({})
  class App {}
  if (kind === 'open') return { module: App, controllers: [routeBehind(OpenGuard)] };
  if (kind === 'recipe')
    return {
      module: App,
      imports: [PassportModule],
      providers: [RecipeStrategy],
      controllers: [routeBehind(AuthGuard('jwt'))],
    };
  const database = TypeOrmModule.forRoot({ type: 'better-sqlite3', database: ':memory:', autoLoadEntities: true, synchronize: true });
  const tokens = TokenModule.forRoot({ issuer: 'https://bench.example', secret: SECRET });
  return { module: App, imports: [database, tokens], controllers: [routeBehind(JwtAuthGuard)] };
}

/** Issues access tokens of this package. The recipe accepts them too, because they are signed with HS256 and the same secret. */
async function tokensOf(app: INestApplication): Promise<string[]> {
  const refresh = app.get(RefreshService);
  return Promise.all(Array.from({ length: TOKENS }, async (_, index) => (await refresh.signIn(`user-${index}`)).accessToken));
}

async function start(kind: Kind, adapter: string | undefined): Promise<INestApplication> {
  const options = { logger: false as const };
  const app: INestApplication =
    adapter === 'fastify'
      ? await NestFactory.create(moduleOf(kind), new FastifyAdapter(), options)
      : await NestFactory.create(moduleOf(kind), options);
  return app.listen(0, '127.0.0.1').then(() => app);
}

const portOf = (app: INestApplication) => (app.getHttpServer().address() as AddressInfo).port;

const [, , adapter] = process.argv;
const [open, ours, recipe] = [await start('open', adapter), await start('ours', adapter), await start('recipe', adapter)];
const ports = { open: portOf(open), ours: portOf(ours), recipe: portOf(recipe) };
serveParent({ ports, tokens: await tokensOf(ours) });
