import { setTimeout as delay } from 'node:timers/promises';
import type { FaultBed } from './fault-bed.js';

/**
 * Lets a refresh and a logout of one session meet, on two processes, so many times. The one that starts first, and by how much, goes
 * round, so that both orders are seen.
 */
export async function raceLogouts(bed: FaultBed, rounds: number): Promise<{ refreshed: number; refused: number }> {
  const [one, two] = [bed.nodes[0]!, bed.nodes[1]!];
  const counts = { refreshed: 0, refused: 0 };
  for (let round = 0; round < rounds; round++) {
    const client = await bed.signIn(`racer-${round}`, one);
    bed.oracle.ends(client.sessionId, { acknowledged: false });
    const head = (round % 12) - 6;
    const [refresh, logout] = await Promise.all([
      delay(Math.max(0, head)).then(() => client.refresh(one)),
      delay(Math.max(0, -head)).then(() => client.refresh(two, { path: '/logout', method: 'POST' })),
    ]);
    bed.oracle.ends(client.sessionId, { acknowledged: logout.status === 204 });
    counts[refresh.status === 200 ? 'refreshed' : 'refused'] += 1;
  }
  return counts;
}
