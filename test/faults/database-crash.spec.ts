import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { crashUnderLoad } from './support/crashes.js';
import { faultBeds } from './support/fault-bed.js';
import { PrivatePostgres } from './support/private-postgres.js';
import { describeWith } from '../support/needs.js';

const describeHere = await describeWith('pg_config');

describeHere('a database server that crashes', () => {
  let server: PrivatePostgres;
  beforeAll(async () => {
    server = await PrivatePostgres.create();
  }, 60_000);
  // Registered first, it runs after the bed has been closed.
  afterAll(() => server.dispose());
  // Thirty crashes with tokens in headers are in slow/database-crashes.fault.ts.
  const open = faultBeds('cookie');

  it('R-04 server crashes in the middle of rotations: what was committed stays, the rest is tried again, nobody is signed out (CK-06)', async () => {
    const bed = await open({ engine: 'postgres', database: await server.database(), nodes: [{}, {}] });
    const clients = await bed.signInAll(8);
    await crashUnderLoad(bed, server, { times: 4, clients });
    expect(bed.oracle.exchanges.some(({ status }) => status === 503)).toBe(true);
    await bed.expectNothingLost();
  }, 60_000);
});
