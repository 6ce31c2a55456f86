/** One server of `bench/guard.ts`, in a process of its own: `guard-server.js <open|ours|recipe> <express|fastify>`. */
import 'reflect-metadata';
import type { CanActivate, DynamicModule, INestApplication, Type } from '@nestjs/common';
import { Controller, Get, Injectable, Module, UseGuards } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { JwtService } from '@nestjs/jwt';
import { AuthGuard, PassportModule, PassportStrategy } from '@nestjs/passport';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { TypeOrmModule } from '@nestjs/typeorm';
import { JwtAuthGuard, RefreshService, TokenModule } from 'nestjs-token';
import type { AddressInfo } from 'node:net';
import { ExtractJwt, Strategy } from 'passport-jwt';

const SECRET = 'a-secret-of-the-benchmark-with-41-letters';
const TOKENS = 100;

@Injectable()
class OpenGuard implements CanActivate {
  canActivate(): boolean {
    return true;
  }
}

/** The usual recipe: passport-jwt with the secret as text. */
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

function moduleOf(kind: string): DynamicModule {
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

async function tokensFor(kind: string, app: INestApplication): Promise<string[]> {
  const subjects = Array.from({ length: TOKENS }, (_, index) => `user-${index}`);
  if (kind === 'ours') return Promise.all(subjects.map(async (sub) => (await app.get(RefreshService).signIn(sub)).accessToken));
  return subjects.map((sub) => new JwtService({ secret: SECRET }).sign({ sub }, { expiresIn: '15m' }));
}

const [kind = '', adapter] = process.argv.slice(2);
const options = { logger: false as const };
const app: INestApplication =
  adapter === 'fastify'
    ? await NestFactory.create(moduleOf(kind), new FastifyAdapter(), options)
    : await NestFactory.create(moduleOf(kind), options);
await app.listen(0, '127.0.0.1');
const { port } = app.getHttpServer().address() as AddressInfo;
process.send?.({ port, tokens: await tokensFor(kind, app) });
process.on('message', () => process.send?.(process.cpuUsage()));
process.on('disconnect', () => process.exit());
