import { expect, it } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import { TokenSessionEntity } from 'nestjs-token/typeorm';
import type { FaultBed } from '../faults/support/fault-bed.js';
import { faultBeds, GRACE } from '../faults/support/fault-bed.js';
import { until } from '../support/until.js';
import type { FaultClient } from '../faults/support/fault-client.js';
import type { Moment } from '../faults/support/node/control.js';
import { partsOf } from '../support/refresh-token.js';
import { tokensOn } from '../support/token-store.js';
import { describeWith } from '../support/needs.js';
import { exchangeHttp2, sendHttp1, sendHttp2 } from './support/pending-request.js';

const SESSIONS = 20;
/** Aborted requests of each session. */
const EACH = 4;
const ALL = SESSIONS * EACH;
/** Timers of the library that a quiet process has: the poll for revocations, the janitor, and what a statement needs while it runs. */
const FEW = 10;

interface Stage {
  readonly name: string;
  readonly moment: Moment;
  readonly path: string;
  /** How many wait at the moment: presentations of one token are one. */
  readonly held: number;
}

const STAGES: readonly Stage[] = [
  { name: 'before the statement', moment: 'before rotate', path: '/me', held: SESSIONS },
  { name: "before the statement's reply", moment: 'after rotate', path: '/me', held: SESSIONS },
  { name: 'in loadUser', moment: 'loadUser', path: '/me', held: SESSIONS },
  { name: 'in a handler', moment: 'handler', path: '/held', held: ALL },
  { name: 'in a handler that returns a stream', moment: 'handler', path: '/held-file', held: ALL },
  { name: 'in the response', moment: 'response', path: '/half', held: ALL },
];

const describeHere = await describeWith('postgres');

describeHere('480 refreshes that their clients abort', () => {
  const open = faultBeds();

  it.each([
    ['express', 'header'],
    ['express', 'cookie'],
    ['fastify', 'header'],
    ['http2', 'cookie'],
  ] as const)(
    'leave no timer, no write and no frozen session behind on %s, transport %s (F-01, CK-06)',
    async (adapter, transport) => {
      const nodes = [{ adapter, hooks: true }, ...(adapter === 'http2' ? [{ hooks: true }] : [])];
      const bed = await open({ engine: 'postgres', transport, nodes });
      const honest = bed.nodes.at(-1)!;
      const send = adapter === 'http2' ? sendHttp2 : sendHttp1;
      const stages: [Stage, FaultClient[]][] = [];
      for (const stage of STAGES) {
        const clients = await signInAt(bed, stage);
        await abortAll(bed, { stage, clients, send });
        stages.push([stage, clients]);
      }

      await delay(GRACE);
      const [versions, { calls }] = [await versionsOf(bed), await bed.node.status()];
      await delay(2 * GRACE);
      const { timers, calls: later } = await bed.node.status();
      const written = await versionsOf(bed);
      const frozen = stages.map(([{ name }, clients]) => [
        name,
        clients.filter(({ sessionId: id }) => written.get(id) !== versions.get(id)).length,
      ]);
      expect(frozen).toEqual(STAGES.map(({ name }) => [name, 0]));
      expect([later.advance, Object.values(timers).reduce((sum, count) => sum + count, 0) < FEW, timers]).toEqual([
        calls.advance,
        true,
        timers,
      ]);

      for (const [stage, clients] of stages) {
        const names = await positionsAfterRefresh(bed, clients);
        expect([stage.name, ...names]).toEqual([stage.name, '1.1']);
      }
      for (const [stage, clients] of stages) {
        for (const client of clients) await bed.age(client, 3 * GRACE);
        expect([stage.name, ...(await positionsAfterRefresh(bed, clients))]).toEqual([stage.name, '2.0']);
      }
      if (adapter === 'http2') await expectHttp2Refreshes(bed);
      await bed.expectNothingLost([honest]);
    },
    90_000,
  );
});

async function signInAt(bed: FaultBed, { name }: Stage): Promise<FaultClient[]> {
  const subjects = Array.from({ length: SESSIONS }, (_, index) => `${name}, ${index}`);
  return Promise.all(subjects.map((subject) => bed.signIn(subject, bed.nodes.at(-1))));
}

/** Aborts every request while all are held at a moment, and then lets go. */
async function abortAll(
  bed: FaultBed,
  { stage, clients, send }: { stage: Stage; clients: readonly FaultClient[]; send: typeof sendHttp2 },
): Promise<void> {
  const { node } = bed;
  const { port } = node;
  await node.order({ hold: [stage.moment], lag: { verb: 'advance', ms: GRACE / 4 } });
  const pending = clients
    .flatMap((client) => Array.from({ length: EACH }, () => client.headers('refresh')))
    .map((headers, index) => send({ port, path: stage.path, headers }, index));
  await until(async () => {
    const { held, open } = await node.status();
    return held === stage.held && open === ALL;
  });
  // Whatever the library does for a response that is late: at one half of the grace period it has begun.
  await delay(GRACE / 2);
  for (const request of pending) request.abort();
  await until(async () => (await node.status()).open === 0);
  await node.order({ hold: [], lag: null });
  await until(async () => (await node.status()).held === 0);
  // The refresh has really taken place.
  await until(async () => (await Promise.all(clients.map((client) => bed.row(client)))).every(({ generation }) => generation === 1));
}

/** PostgreSQL's version of each row: another one after every UPDATE. */
async function versionsOf({ database: { dataSource } }: FaultBed): Promise<Map<string, string>> {
  const { tableName } = dataSource.getRepository(TokenSessionEntity).metadata;
  const rows: { id: string; version: string }[] = await dataSource.query(`SELECT id, xmin::text AS version FROM "${tableName}"`);
  return new Map(rows.map(({ id, version }) => [id, version]));
}

/** @returns where the sessions of honest clients stand when each has refreshed: one position, if all is well. */
async function positionsAfterRefresh(bed: FaultBed, clients: readonly FaultClient[]): Promise<string[]> {
  const positions = await Promise.all(clients.map((client) => positionAfterRefresh(bed, client)));
  return [...new Set(positions)];
}

/** A response that is late on a loaded machine carries no refresh token: the same is handed out again at once. */
async function positionAfterRefresh(bed: FaultBed, client: FaultClient, tries = 3): Promise<string> {
  const { status, refresh } = await client.refresh(bed.nodes.at(-1)!);
  if (status === 200 && refresh === undefined && tries > 1) return positionAfterRefresh(bed, client, tries - 1);
  if (refresh === undefined) return `${status ?? 'no response'}, no refresh token`;
  const { generation, branch } = partsOf(refresh);
  return `${generation}.${branch}`;
}

async function expectHttp2Refreshes(bed: FaultBed): Promise<void> {
  const client = await bed.signIn('over HTTP/2', bed.nodes.at(-1));
  const { status, headers } = await exchangeHttp2({ port: bed.node.port, path: '/me', headers: client.headers('refresh') });
  const { refresh } = tokensOn(bed.transport, { headers, text: '' });
  expect([status, refresh?.length]).toEqual([200, 56]);
}
