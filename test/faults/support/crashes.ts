import { setTimeout as delay } from 'node:timers/promises';
import type { FaultBed } from './fault-bed.js';
import type { FaultClient } from './fault-client.js';
import type { PrivatePostgres } from './private-postgres.js';

/** Crashes the server so many times, while every client refreshes without a pause. */
export async function crashUnderLoad(
  bed: FaultBed,
  server: PrivatePostgres,
  { times, clients }: { times: number; clients: FaultClient[] },
): Promise<void> {
  let isOver = false;
  const load = clients.map(async (client, index) => {
    for (let turn = index; !isOver; turn++) {
      await client.refresh(bed.nodes[turn % bed.nodes.length]!);
      await delay(20);
    }
  });
  for (let crash = 0; crash < times; crash++) {
    await delay(300 + 70 * (crash % 7));
    server.crash();
    await delay(100);
    server.start();
    await bed.oracle.sample();
  }
  bed.oracle.faultEnds();
  isOver = true;
  await Promise.all(load);
}
