/** One server of `bench/refresh.ts`, in a process of its own: `refresh-server.js <kind> <schema> <first session> <sessions>`. */
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { DynamicModule } from '@nestjs/common';
import type { AddressInfo } from 'node:net';
import { addBareRoute, BareController, bareRefresh } from './bare-route.js';
import { serveParent } from './child-server.js';
import { connectionTo } from './database.js';
import type { Holder } from './internals.js';
import { codecOf, holderOf, refreshTokenOf } from './internals.js';
import { HASHINGS, recipeApp, recipeTokens } from './recipe.js';
import { tokenApp } from './token-app.js';

/**
 * The grace period. It is short, because a token that is presented again within twice this time is not rotated, and every request should
 * rotate.
 */
const GRACE_MS = 50;

const [kind = '', schema = '', from = '0', count = '0'] = process.argv.slice(2);
const events: Record<string, number> = {};
const hashing = kind === 'bcrypt' ? HASHINGS.bcrypt : HASHINGS.sha256;
const isBare = kind === 'bare' || kind === 'bare-prepared' || kind === 'bare-nest';
const isRecipe = kind === 'bcrypt' || kind === 'sha256';

function moduleOf(): DynamicModule {
  const connection = connectionTo('postgres', schema);
  if (isRecipe) return recipeApp(connection, hashing);
  // With recoverLost: 'grace' a response carries its refresh token however late it is: under load the first ones take longer than half of the grace period.
  const refresh = { grace: `${GRACE_MS}ms`, limit: { max: 1_000_000, per: '1h' }, recoverLost: 'grace' } as const;
  return tokenApp({
    connection,
    refresh,
    events,
    preparedStatements: kind !== 'ours-plain',
    ...(isBare && { controllers: kind === 'bare-nest' ? [BareController] : [] }),
  });
}

async function holders(app: NestFastifyApplication): Promise<Holder[]> {
  if (isRecipe) return (await recipeTokens(app, hashing, Number(count))).map((refreshToken) => ({ refreshToken, accessToken: '' }));
  const codec = codecOf(app);
  return Promise.all(Array.from({ length: Number(count) }, (_, index) => holderOf(app, refreshTokenOf(codec, Number(from) + index))));
}

const app = await NestFactory.create<NestFastifyApplication>(moduleOf(), new FastifyAdapter(), { logger: false });
if (isBare) {
  const refresh = await bareRefresh(app, { settleMs: 2 * GRACE_MS, prepared: kind !== 'bare' });
  if (kind === 'bare-nest') BareController.refresh = refresh;
  else addBareRoute(app.getHttpAdapter().getInstance(), refresh);
}
await app.listen(0, '127.0.0.1');
const { port } = app.getHttpServer().address() as AddressInfo;
const hello = { port, holders: await holders(app) };
serveParent(hello, events);
