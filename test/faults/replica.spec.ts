import { expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import type { DataSourceOptions } from 'typeorm';
import { DataSource } from 'typeorm';
import { TokenSessionEntity } from 'nestjs-token/typeorm';
import { describeWith } from '../support/needs.js';
import type { FaultBed } from './support/fault-bed.js';
import { faultBeds, GRACE } from './support/fault-bed.js';

const describePostgres = await describeWith('postgres');
const describeMariadb = await describeWith('mariadb');

describePostgres('a replica that stands still: PostgreSQL', () => suite('postgres'));
describeMariadb('a replica that stands still: MariaDB', () => suite('mariadb'));

/** This is between the store and its databases, so each transport is tried on one of them. */
function suite(engine: 'postgres' | 'mariadb'): void {
  const open = faultBeds(engine === 'postgres' ? 'header' : 'cookie');
  /** A second database with the same tables, for the processes to take for a replica. */
  const replicaOf = async (bed: FaultBed): Promise<{ name: string; rows: DataSource }> => {
    const name = `token_replica_${randomBytes(4).toString('hex')}`;
    const { dataSource: administrator, options } = bed.database;
    await administrator.query(`CREATE DATABASE ${name}`);
    bed.cleanUp.push(() => administrator.query(`DROP DATABASE ${name}`));
    const rows = new DataSource({ ...options, database: name, migrationsRun: false } as DataSourceOptions);
    await rows.initialize();
    if (engine === 'postgres') await rows.query(`CREATE SCHEMA ${(options as { schema: string }).schema}`);
    await rows.runMigrations();
    bed.cleanUp.push(() => rows.destroy());
    return { name, rows };
  };

  it('R-17 reads of the application served stale: rotations, revocations and lists are decided by the primary', async () => {
    const bed = await open({ engine, nodes: [{}] });
    const replica = await replicaOf(bed);
    const { host, username, database, port } = bed.database.options as { host: string; username: string; database: string; port: number };
    const replication = {
      master: { host, username, database, port: bed.proxy.port },
      slaves: [{ host, username, database: replica.name, port }],
    };
    const lagging = [await bed.start({ dataSource: { replication } }), await bed.start({ dataSource: { replication } })];
    const clients = await bed.signInAll(6);
    // The replica has seen the sign-ins and nothing of what follows.
    await replica.rows.getRepository(TokenSessionEntity).save(await bed.database.dataSource.getRepository(TokenSessionEntity).find());
    for (let round = 0; round < 3; round++) {
      for (const client of clients) {
        const answers = await Promise.all([...lagging, ...lagging].map((node) => client.refresh(node)));
        expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
        await bed.age(client, 3 * GRACE);
      }
      await bed.oracle.sample();
    }
    const [ended] = clients;
    bed.oracle.ends(ended!.sessionId, { acknowledged: false });
    expect((await ended!.refresh(lagging[0]!, { path: '/logout', method: 'POST' })).status).toBe(204);
    bed.oracle.ends(ended!.sessionId, { acknowledged: true });
    expect((await ended!.hoarder().refresh(lagging[1]!)).errorCode).toBe('session_revoked');
    const stale = await replica.rows.getRepository(TokenSessionEntity).find();
    expect(stale.map(({ generation, revokedAt }) => [generation, revokedAt])).toEqual(clients.map(() => [0, null]));
    await bed.expectNothingLost(lagging);
  }, 40_000);
}
