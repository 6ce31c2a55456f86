import type { INestApplicationContext } from '@nestjs/common';
import { Body, Controller, HttpCode, Post, UnauthorizedException } from '@nestjs/common';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { TokenSession } from 'nestjs-token';
import { TokenRepository } from 'nestjs-token';
import pg from 'pg';
import { DataSource } from 'typeorm';
import { POOL } from './database.js';
import { codecOf, issuerOf } from './internals.js';

/** Placeholders for values that differ from refresh to refresh. No session has these values. */
const PROBE = { id: 'ffffffff-ffff-8fff-bfff-ffffffffffff', generation: 1_234_567, branch: 77 } as const;

interface Prepared {
  sql: string;
  /** The parameters of the statement for a refresh token. */
  bind: (token: { sessionId: string; generation: number; branch: number }) => unknown[];
}

/** Returns the statement that the package's own repository sends for a refresh. It is recorded while the repository runs. */
async function rotationOf(app: INestApplicationContext, settleMs: number): Promise<Prepared> {
  const dataSource = app.get(DataSource);
  const { logger } = dataSource;
  const queries: { sql: string; parameters: unknown[] }[] = [];
  dataSource.logger = Object.assign(Object.create(logger) as typeof logger, {
    logQuery: (sql: string, parameters?: unknown[]) => queries.push({ sql, parameters: parameters ?? [] }),
  });
  const terms = { settleMs, idleMs: 14 * 86_400_000, limit: { max: 1_000_000, perMs: 3_600_000 } };
  await app.get(TokenRepository, { strict: false }).rotate({ realm: 'default', id: PROBE.id }, PROBE, terms);
  dataSource.logger = logger;
  const { sql, parameters } = queries.find((query) => query.parameters.includes(PROBE.id)) ?? { sql: '', parameters: [] };
  if (!/^UPDATE .* RETURNING /.test(sql)) throw new Error('the repository has not rotated in one statement');
  return {
    sql,
    bind: ({ sessionId, generation, branch }) => {
      const values = new Map<unknown, unknown>([
        [PROBE.id, sessionId],
        [PROBE.generation, generation],
        [PROBE.branch, branch],
      ]);
      return parameters.map((parameter) => values.get(parameter) ?? parameter);
    },
  };
}

/** Refreshes with a token, and returns the body of the response, or null where nothing was rotated. */
export type BareRefresh = (refreshToken: string) => Promise<object | null>;

/**
 * The smallest possible refresh: it sends our statement through the bare driver, prepared by name or not, and issues a pair. It does not
 * distinguish errors, share refreshes, limit waits or announce anything.
 */
export async function bareRefresh(
  app: INestApplicationContext,
  { settleMs, prepared }: { settleMs: number; prepared: boolean },
): Promise<BareRefresh> {
  const pool = new pg.Pool(driverOptionsOf(app.get(DataSource)));
  const { sql, bind } = await rotationOf(app, settleMs);
  const codec = codecOf(app);
  const name = prepared ? { name: 'rotate' } : {};
  const accessTokens = issuerOf(app);
  return async (refreshToken) => {
    const token = codec.decode(refreshToken);
    if (!token) return null;
    const { rows } = await pool.query<Record<keyof TokenSession | 'readAt', string>>({ ...name, text: sql, values: bind(token) });
    const [row] = rows;
    if (!row) return null;
    const draft = { subject: row.subject, sessionId: row.id, claims: JSON.parse(row.claims) as Record<string, unknown> };
    const issued = await accessTokens.issue({ ...draft, at: Number(row.readAt), authTime: Number(row.authTime), lifetimeMs: 900_000 });
    return {
      access_token: issued.token,
      refresh_token: codec.encode(token.secret, { generation: token.generation + 1, branch: 0 }),
      token_type: 'Bearer',
      expires_in: 900,
      refresh_expires_in: 14 * 86_400,
      session_id: row.id,
    };
  };
}

/** The bare refresh as a Fastify route, without Nest. */
export function addBareRoute(fastify: FastifyInstance, refresh: BareRefresh): void {
  fastify.post('/auth/refresh', async (request: FastifyRequest, reply: FastifyReply) => {
    const body = await refresh((request.body as { refresh_token: string }).refresh_token);
    return body ?? reply.code(401).send();
  });
}

/** The bare refresh as a route of Nest, with nothing else in front of it: what every module for Nest costs at least. */
@Controller('auth')
export class BareController {
  static refresh: BareRefresh = async () => null;

  @Post('refresh')
  @HttpCode(200)
  async renew(@Body('refresh_token') refreshToken: string): Promise<object> {
    const body = await BareController.refresh(refreshToken);
    if (!body) throw new UnauthorizedException();
    return body;
  }
}

/** Returns the options with which the bare driver connects to the same database as TypeORM. */
function driverOptionsOf({ options }: DataSource): pg.PoolConfig {
  const { host, port, username, database, extra } = options as unknown as Record<'host' | 'username' | 'database', string> & {
    port: number;
    extra: { options: string };
  };
  return { host, port, user: username, database, options: extra.options, max: POOL };
}
