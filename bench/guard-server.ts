/**
 * The applications of `bench/guard.ts`, all in one process: `guard-server.js <express|fastify> <header|cookie>`. In separate processes, two copies of the
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
import { tokenHeaders } from 'nestjs-token/testing';
import { parseCookie } from 'cookie';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ExtractJwt, Strategy } from 'passport-jwt';
import { serveParent } from './child-server.js';

const SECRET = 'a-secret-of-the-benchmark-with-41-letters';
const CALLERS = 100;

const [, , adapter, given] = process.argv;
const mode = given === 'cookie' ? 'cookie' : 'header';

type Kind = 'open' | 'ours' | 'recipe';

const fromCookie = ({ headers }: IncomingMessage): string | null => parseCookie(headers.cookie ?? '')['__Host-access'] ?? null;

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
    super({
      jwtFromRequest: mode === 'cookie' ? fromCookie : ExtractJwt.fromAuthHeaderAsBearerToken(),
      secretOrKey: SECRET,
      algorithms: ['HS256'],
    });
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
  const tokens = TokenModule.forRoot({ issuer: 'https://bench.example', secret: SECRET, transport: mode });
  return { module: App, imports: [database, tokens], controllers: [routeBehind(JwtAuthGuard)] };
}

/**
 * Signs callers in, and returns the headers that each of them sends. The recipe accepts the access tokens too, because they are signed with
 * HS256 and the same secret.
 */
async function callersOf(app: INestApplication): Promise<string[]> {
  const refresh = app.get(RefreshService);
  const pairs = await Promise.all(Array.from({ length: CALLERS }, (_, index) => refresh.signIn(`user-${index}`)));
  return pairs.map((pair) => {
    const headers = { ...(mode === 'cookie' && FROM_OWN_PAGE), ...tokenHeaders(app, pair) };
    return Object.entries(headers)
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join('');
  });
}

/** What a browser says about a request of the own page. */
const FROM_OWN_PAGE = { 'Sec-Fetch-Site': 'same-origin', 'Sec-Fetch-Mode': 'cors', 'Sec-Fetch-Dest': 'empty' };

async function start(kind: Kind, adapter: string | undefined): Promise<INestApplication> {
  const options = { logger: false as const };
  const app: INestApplication =
    adapter === 'fastify'
      ? await NestFactory.create(moduleOf(kind), new FastifyAdapter(), options)
      : await NestFactory.create(moduleOf(kind), options);
  return app.listen(0, '127.0.0.1').then(() => app);
}

const portOf = (app: INestApplication) => (app.getHttpServer().address() as AddressInfo).port;

const [open, ours, recipe] = [await start('open', adapter), await start('ours', adapter), await start('recipe', adapter)];
const ports = { open: portOf(open), ours: portOf(ours), recipe: portOf(recipe) };
serveParent({ ports, callers: await callersOf(ours) });
