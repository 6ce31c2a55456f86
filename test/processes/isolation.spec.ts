import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import type { ServerEngine } from '../support/databases.js';
import { describeOn, openDatabase } from '../support/databases.js';
import { tally } from './responses.js';
import type { ClusterSetup } from './cluster.js';
import { Cluster } from './cluster.js';

jest.setTimeout(60_000);

/** What every connection of the processes begins with, and how to see that it does. */
interface Level {
  readonly setup: ClusterSetup;
  readonly asked: string;
  readonly answered: string;
}

const LEVELS: Record<ServerEngine, Level[]> = {
  postgres: ['read committed', 'repeatable read', 'serializable'].map((level) => ({
    setup: { settings: [`default_transaction_isolation=${level.replace(' ', '\\ ')}`] },
    asked: "SELECT current_setting('transaction_isolation') AS level",
    answered: level,
  })),
  mariadb: [
    ...['READ-COMMITTED', 'REPEATABLE-READ', 'SERIALIZABLE'].map((level) => ({
      setup: { onConnection: [`SET SESSION tx_isolation = '${level}'`] },
      asked: 'SELECT @@tx_isolation AS level',
      answered: level,
    })),
    ...((await knowsSnapshotIsolation())
      ? [
          {
            setup: { onConnection: ["SET SESSION tx_isolation = 'REPEATABLE-READ'", 'SET SESSION innodb_snapshot_isolation = ON'] },
            asked: "SELECT concat(@@tx_isolation, ' with snapshots: ', @@innodb_snapshot_isolation) AS level",
            answered: 'REPEATABLE-READ with snapshots: ON',
          },
        ]
      : []),
  ],
};

for (const engine of ['postgres', 'mariadb'] as const) {
  const describeHere = await describeOn(engine);

  for (const { setup, asked, answered } of LEVELS[engine]) {
    describeHere(`a race of 50 on four processes over ${engine} at ${answered}`, () => {
      let cluster: Cluster;
      beforeAll(async () => void (cluster = await Cluster.start(engine, setup)));
      afterAll(() => cluster.stop());

      it('is run at that level', async () => {
        for (const node of cluster.nodes) {
          const levels = await node.ask<{ level: string }[]>({ do: 'query', sql: asked });
          expect(levels).toEqual([{ level: answered }]);
        }
      });

      it('for a rotation has one winner, and every other gets its successor', async () => {
        const { sessionId, refreshToken } = await cluster.signInOnce();
        const answers = await cluster.presentBehindLock(sessionId, Array<string>(50).fill(refreshToken));
        expect(tally(answers)).toEqual({ rotated: 1, coalesced: 49 });
        expect(new Set(answers.map((answer) => answer.refreshToken)).size).toBe(1);
        expect(await cluster.table.row(sessionId)).toMatchObject({ generation: 1, windowCount: 1 });
      });

      it('for a recovery has one winner, and every other gets its token', async () => {
        const { sessionId, refreshToken } = await cluster.signInOnce();
        await cluster.presentAt(0, refreshToken);
        await cluster.table.pass(30_000);
        const answers = await cluster.presentBehindLock(sessionId, Array<string>(50).fill(refreshToken));
        expect(tally(answers)).toEqual({ recovered: 1, coalesced: 49 });
        expect(await cluster.table.row(sessionId)).toMatchObject({ generation: 1, branch: 1 });
      });

      it('with a reuse ends the session once', async () => {
        const { sessionId, refreshToken } = await cluster.signInOnce();
        let current = refreshToken;
        for (let refresh = 0; refresh < 2; refresh += 1) {
          current = (await cluster.presentAt(refresh, current)).refreshToken!;
          await cluster.table.pass(60_000);
        }
        const answers = await cluster.presentBehindLock(sessionId, Array<string>(50).fill(refreshToken));
        expect(tally(answers)).toEqual({ refresh_reused: 1, session_revoked: 49 });
        expect(await cluster.table.row(sessionId)).toMatchObject({ generation: 2, revokeReason: 'reuse' });
      });
    });
  }
}

/** MariaDB has it from 10.6.18, and by default from 11.6. */
async function knowsSnapshotIsolation(): Promise<boolean> {
  const database = await openDatabase('mariadb', { tables: 'none' }).catch(() => null);
  if (!database) return false;
  const known = await database.dataSource.query<unknown[]>("SHOW VARIABLES LIKE 'innodb_snapshot_isolation'");
  await database.drop();
  return known.length === 1;
}
