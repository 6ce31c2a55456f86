import { isNewer } from '../support/token-store.js';
import type { Cluster } from './cluster.js';
import type { Presented } from './worker/messages.js';

/** Outcomes that authenticate the caller. */
export const AUTHENTICATED = ['rotated', 'kept', 'coalesced', 'recovered', 'healed'];

/** How often each outcome or error came. */
export function tally(answers: readonly Presented[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { outcome } of answers) counts[outcome] = (counts[outcome] ?? 0) + 1;
  return counts;
}

/**
 * Which of the tokens that arrive a client keeps: `max` never goes back to a lower one, as an application's own store, and `last` takes what
 * comes last, as the jar of a browser.
 */
export type Keeps = 'max' | 'last';

/** A client: it presents what it has stored, to one process after the other. */
export class Client {
  private turns = 0;

  constructor(
    private readonly cluster: Cluster,
    public token: string,
    private readonly keeps: Keeps = 'max',
  ) {}

  async refresh({ lost = false } = {}): Promise<string> {
    const answer = await this.cluster.presentAt((this.turns += 1), this.token);
    if (!lost) this.store(answer);
    return answer.outcome;
  }

  store({ refreshToken }: Presented): void {
    if (refreshToken !== undefined && (this.keeps === 'last' || isNewer(refreshToken, this.token))) this.token = refreshToken;
  }
}
