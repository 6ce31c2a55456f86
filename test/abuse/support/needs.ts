import { describe } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { SERVERS, unreachable } from '../../support/databases.js';

/** What a suite cannot do without. */
export type Need = 'postgres' | 'nginx' | 'pgbouncer';

/** `describe`, or a skip that says why: without `TEST_ABUSE=all`, what is not there is no failure. */
export async function describeWith(...needs: Need[]): Promise<(title: string, suite: () => void) => void> {
  const reasons = (await Promise.all(needs.map(missing))).filter((reason) => reason !== null);
  if (reasons.length === 0) return describe;
  if (process.env['TEST_ABUSE'] === 'all') throw new Error(reasons.join(', '));
  return (title, suite) => describe.skip(`${title} (skipped: ${reasons.join(', ')})`, suite);
}

async function missing(need: Need): Promise<string | null> {
  if (need !== 'postgres') return spawnSync(need, ['-V']).status === 0 ? null : `${need} is not installed`;
  const reason = await unreachable(SERVERS[need].port);
  return reason && `${need} ${reason}`;
}
