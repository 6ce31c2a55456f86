import { expect, it } from '@jest/globals';
import { describeWith } from '../support/needs.js';
import { exchange } from './support/exchange.js';
import type { FaultBed } from './support/fault-bed.js';
import { faultBeds, GRACE } from './support/fault-bed.js';
import type { FaultClient } from './support/fault-client.js';

const describePostgres = await describeWith('postgres');
const describeMariadb = await describeWith('mariadb');

const OLD = 'an old secret of these tests, longer than 32 bytes';
const NEW = 'a new secret of these tests, longer than 32 bytes';

describePostgres('an older backup restored: PostgreSQL', () => suite('postgres'));
describeMariadb('an older backup restored: MariaDB', () => suite('mariadb'));

/** This is between the store and its databases, so each transport is tried on one of them. */
function suite(engine: 'postgres' | 'mariadb'): void {
  const open = faultBeds(engine === 'postgres' ? 'header' : 'cookie');
  const logout = async (bed: FaultBed, client: FaultClient) =>
    expect((await client.refresh(bed.node, { path: '/logout', method: 'POST' })).status).toBe(204);

  it('R-20 generations go back: tokens ahead of the database are healed, and no alarm is raised', async () => {
    const bed = await open({ engine, nodes: [{}, {}] });
    const clients = await bed.signInAll(12);
    const rotate = async (times: number) => {
      for (let time = 0; time < times; time++) {
        for (const [index, client] of clients.entries()) {
          // How far a client is ahead differs: 0 to 3 generations.
          if (index % 4 < time) continue;
          await bed.age(client, 3 * GRACE);
          expect((await client.refresh(bed.nodes[index % 2]!)).status).toBe(200);
        }
      }
    };
    await rotate(1);
    const restore = await bed.backup();
    await rotate(4);
    await restore();
    const answers = await Promise.all(clients.map((client, index) => client.refresh(bed.nodes[index % 2]!)));
    expect(answers.map(({ status }) => status)).toEqual(clients.map(() => 200));
    bed.oracle.faultEnds();
    const statuses = await Promise.all(bed.nodes.map((node) => node.status()));
    expect(statuses.map(({ outcomes }) => outcomes['reuse'])).toEqual([undefined, undefined]);
    expect(statuses.reduce((sum, { outcomes }) => sum + (outcomes['healed'] ?? 0), 0)).toBeGreaterThanOrEqual(9);
    await bed.expectNothingLost();
  }, 30_000);

  it('R-21 a revoked session comes back: revoking all sessions of its subject ends it again', async () => {
    const bed = await open({ engine, nodes: [{}, {}] });
    const [alice, bob] = await bed.signInAll(2);
    const restore = await bed.backup();
    bed.oracle.ends(alice!.sessionId, { acknowledged: false });
    await logout(bed, alice!);
    expect((await alice!.hoarder().refresh(bed.nodes[1]!)).errorCode).toBe('session_revoked');
    await restore();
    // Nodes that know of the revocation still refuse; one that has started since knows nothing of it.
    expect((await alice!.hoarder().refresh(bed.nodes[1]!)).errorCode).toBe('session_revoked');
    bed.nodes.push(await bed.start());
    expect((await alice!.hoarder().refresh(bed.nodes[2]!)).status).toBe(200);
    await exchange({ port: bed.node.port, path: '/revoke-all', method: 'POST', body: { subject: alice!.subject } });
    bed.oracle.ends(alice!.sessionId, { acknowledged: true });
    bed.oracle.faultEnds();
    expect((await bob!.refresh(bed.node)).status).toBe(200);
    await bed.expectNothingLost();
  }, 30_000);

  it('R-21 revoked sessions come back, nobody knows which: a new refresh key ends every session of before', async () => {
    const bed = await open({ engine, nodes: [{ options: { refresh: { secret: OLD } } }] });
    const clients = await bed.signInAll(3);
    const restore = await bed.backup();
    for (const { sessionId } of clients) bed.oracle.ends(sessionId, { acknowledged: false });
    for (const client of clients.slice(0, 2)) await logout(bed, client);
    await restore();
    await bed.node.stop();
    const renewed = await bed.start({ options: { refresh: { secret: NEW } } });
    bed.oracle.faultEnds();
    for (const client of clients) expect((await client.hoarder().refresh(renewed)).errorCode).toBe('refresh_invalid');
    // Their access tokens, which no process has revoked, die by themselves.
    for (const client of clients) client.access = '';
    for (const { sessionId } of clients) bed.oracle.ends(sessionId, { acknowledged: true });
    await bed.signIn('newcomer', renewed);
    await bed.expectNothingLost([renewed]);
  }, 30_000);
}
