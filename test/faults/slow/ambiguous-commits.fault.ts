import { expect, it } from '@jest/globals';
import { describeWith } from '../../support/needs.js';
import { partsOf } from '../../support/refresh-token.js';
import { faultBeds } from '../support/fault-bed.js';

const RUNS = 1_000;

const describePostgres = await describeWith('postgres');
const describeMariadb = await describeWith('mariadb');

describePostgres('ambiguous commits: PostgreSQL', () => suite('postgres'));
describeMariadb('ambiguous commits: MariaDB', () => suite('mariadb'));

function suite(engine: 'postgres' | 'mariadb'): void {
  // Each transport on one of the engines.
  const open = faultBeds(engine === 'postgres' ? 'header' : 'cookie');

  it('R-05 a thousand connections cut after the commit: every retry gets the one successor', async () => {
    const bed = await open({ engine, nodes: [{}, {}] });
    for (let run = 0; run < RUNS; run++) {
      const client = await bed.signIn(`user-${run}`);
      bed.proxy.cutNext('after its success');
      const unknown = await client.refresh(bed.nodes[run % 2]!);
      // The retry comes on either process.
      const retry = await client.refresh(bed.nodes[(run >> 1) % 2]!);
      expect([run, unknown.status, retry.status, partsOf(client.refreshToken).generation]).toEqual([run, 503, 200, 1]);
    }
    bed.oracle.faultEnds();
    await bed.expectNothingLost();
  }, 600_000);
}
