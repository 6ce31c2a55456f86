import { expect, it } from '@jest/globals';
import { describeWith } from '../../support/needs.js';
import type { Exchange } from '../support/fault-client.js';
import { faultBeds } from '../support/fault-bed.js';

const CLIENTS = 10_000;

const describePostgres = await describeWith('postgres');

describePostgres('a mass expiry', () => {
  const open = faultBeds();

  it('R-33 ten thousand sessions refresh as fast as sockets allow: 200 or 503, and nobody is signed out', async () => {
    const bed = await open({ engine: 'postgres', nodes: [{}, {}] });
    const clients = [];
    for (let start = 0; start < CLIENTS; start += 20) {
      const names = Array.from({ length: 20 }, (_, index) => `user-${start + index}`);
      clients.push(...(await Promise.all(names.map((name, index) => bed.signIn(name, bed.nodes[index % 2])))));
    }
    const answers: Exchange[] = [];
    // Sockets of one machine are the limit, not clients: five hundred at once.
    for (let start = 0; start < CLIENTS; start += 500) {
      answers.push(...(await Promise.all(clients.slice(start, start + 500).map((client, index) => client.refresh(bed.nodes[index % 2]!)))));
    }
    expect(answers.filter(({ status }) => status !== 200 && status !== 503)).toEqual([]);
    await bed.expectNothingLost();
  }, 600_000);
});
