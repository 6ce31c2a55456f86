import { expect, it } from '@jest/globals';
import { describeWith } from '../../support/needs.js';
import { faultBeds } from '../support/fault-bed.js';
import { raceLogouts } from '../support/races.js';

const describePostgres = await describeWith('postgres');
const describeMariadb = await describeWith('mariadb');

describePostgres('logout races: PostgreSQL', () => suite('postgres'));
describeMariadb('logout races: MariaDB', () => suite('mariadb'));

function suite(engine: 'postgres' | 'mariadb'): void {
  // Each transport on one of the engines.
  const open = faultBeds(engine === 'postgres' ? 'header' : 'cookie');

  it('R-12 a thousand logouts race as many refreshes: every session stays revoked', async () => {
    const bed = await open({ engine, nodes: [{}, {}] });
    const { refreshed, refused } = await raceLogouts(bed, 1_000);
    expect([refreshed + refused, Math.min(refreshed, refused) > 0]).toEqual([1_000, true]);
    await bed.expectNothingLost();
  }, 600_000);
}
