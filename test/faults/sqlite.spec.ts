import { describe, expect, it } from '@jest/globals';
import Database from 'better-sqlite3';
import { setTimeout as delay } from 'node:timers/promises';
import { exchange } from './support/exchange.js';
import { faultBeds } from './support/fault-bed.js';

/* This is between the store and its file, so each transport is tried in some of the cases. */
describe('one SQLite file', () => {
  const open = faultBeds();

  it.each([
    ['delete', 'header'],
    ['wal', 'mixed'],
  ] as const)(
    'R-31 four processes write to one file, journal mode %s, transport %s: one rotation per token, nobody is refused',
    async (mode, transport) => {
      const bed = await open({ engine: 'sqlite', transport, nodes: [] });
      await bed.database.dataSource.query(`PRAGMA journal_mode = ${mode}`);
      const connection = { timeout: 2_000, ...(mode === 'wal' && { enableWAL: true }) };
      bed.nodes.push(...(await Promise.all([0, 1, 2, 3].map(() => bed.start({ dataSource: connection })))));
      const clients = await bed.signInAll(6);
      for (const client of clients) {
        const answers = await Promise.all(Array.from({ length: 16 }, (_, index) => client.refresh(bed.nodes[index % 4]!)));
        expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 16 }, () => 200));
        expect(new Set(answers.flatMap(({ refresh }) => refresh ?? [])).size).toBe(1);
      }
      const statuses = await Promise.all(bed.nodes.map((node) => node.status()));
      expect(statuses.reduce((sum, { outcomes }) => sum + (outcomes['rotated'] ?? 0), 0)).toBe(6);
      await bed.expectNothingLost();
    },
    40_000,
  );

  it('R-31 another process keeps the file locked: 503, and the same token works afterwards', async () => {
    const bed = await open({ engine: 'sqlite', transport: 'mixed', nodes: [{ dataSource: { timeout: 100 } }] });
    const clients = await bed.signInAll(3);
    const writer = new Database(String(bed.database.options.database));
    writer.exec('BEGIN IMMEDIATE');
    const answers = await Promise.all(clients.map((client) => client.refresh(bed.node)));
    expect(answers.map(({ status }) => status)).toEqual([503, 503, 503]);
    writer.exec('ROLLBACK');
    writer.close();
    bed.oracle.faultEnds();
    await bed.expectNothingLost();
  }, 30_000);

  it('R-25 read-only file: 503, no token is minted, and access tokens live on', async () => {
    const bed = await open({ engine: 'sqlite', transport: 'cookie', nodes: [{}] });
    const clients = await bed.signInAll(3);
    const readOnly = await bed.start({ dataSource: { readonly: true } });
    const answers = await Promise.all(clients.map((client) => client.refresh(readOnly)));
    const visits = await Promise.all(clients.map((client) => client.visit(readOnly)));
    expect([answers.map(({ status }) => status), visits.map(({ status }) => status)]).toEqual([
      [503, 503, 503],
      [200, 200, 200],
    ]);
    const signIn = await exchange({ port: readOnly.port, path: '/login', method: 'POST', body: { subject: 'new' } });
    expect([signIn?.status, signIn?.headers.authorization, signIn?.headers['set-cookie']]).toEqual([503, undefined, undefined]);
    await readOnly.stop();
    await delay(100);
    bed.oracle.faultEnds();
    await bed.expectNothingLost();
  }, 30_000);
});
