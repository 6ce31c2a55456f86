import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { crashUnderLoad } from '../support/crashes.js';
import { faultBeds } from '../support/fault-bed.js';
import { PrivatePostgres } from '../support/private-postgres.js';
import { describeWith } from '../../support/needs.js';

const describeHere = await describeWith('pg_config');

describeHere('a database server that crashes again and again', () => {
  let server: PrivatePostgres;
  beforeAll(async () => {
    server = await PrivatePostgres.create();
  }, 60_000);
  afterAll(() => server.dispose());
  const open = faultBeds();

  it('R-04 thirty crashes of the server under load: nobody is signed out', async () => {
    const bed = await open({ engine: 'postgres', database: await server.database(), nodes: [{}, {}, {}] });
    const clients = await bed.signInAll(20);
    await crashUnderLoad(bed, server, { times: 30, clients });
    expect(bed.oracle.exchanges.some(({ status }) => status === 503)).toBe(true);
    await bed.expectNothingLost();
  }, 600_000);
});
