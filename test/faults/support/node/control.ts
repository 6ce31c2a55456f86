import { TypeOrmTokenRepository } from 'nestjs-token';
import { setTimeout as delay } from 'node:timers/promises';
import { setSkew } from './skewed-date.js';

/** What a test may order a process to do, over `POST /control`. Members left out stay as they are. */
export interface Orders {
  /** How far the clock of the process is ahead. */
  skewMs?: number;
  /** The process kills itself at the next call of this verb. */
  kill?: { verb: Verb; moment: 'before' | 'after' };
  /** Every call of a verb is made so much later, so that interleavings differ. */
  lag?: { verb: Verb; ms: number } | null;
  /** What the `loadUser` hook does. */
  loadUser?: Mood;
  /** What the `onEvent` listener does. */
  onEvent?: Mood;
}

export type Verb = 'rotate' | 'advance' | 'find' | 'revoke' | 'insert';
export type Mood = 'works' | 'fails' | 'hangs' | 'says no';

/** The orders that are in force. */
export class Control {
  private orders: Orders = {};

  constructor() {
    for (const verb of ['rotate', 'advance', 'find', 'revoke', 'insert'] as const) this.wrap(verb);
  }

  obey(orders: Orders): void {
    this.orders = { ...this.orders, ...orders };
    if (orders.skewMs !== undefined) setSkew(orders.skewMs);
  }

  /** A user, or whatever has been ordered instead. */
  async loadUser(subject: string): Promise<object | null> {
    return this.act(this.orders.loadUser, { name: subject });
  }

  async onEvent(): Promise<unknown> {
    return this.act(this.orders.onEvent, null);
  }

  private async act<T>(mood: Mood | undefined, result: T): Promise<T | null> {
    if (mood === 'fails') throw new Error('ordered to fail');
    if (mood === 'hangs') await delay(1_500);
    return mood === 'says no' ? null : result;
  }

  private wrap(verb: Verb): void {
    const prototype = TypeOrmTokenRepository.prototype as unknown as Record<Verb, (...given: unknown[]) => Promise<unknown>>;
    const original = prototype[verb];
    const obeyed = (moment: 'before' | 'after'): void => {
      const { kill } = this.orders;
      if (kill?.verb === verb && kill.moment === moment) process.kill(process.pid, 'SIGKILL');
    };
    const lag = async (): Promise<void> => {
      const ordered = this.orders.lag;
      if (ordered?.verb === verb) await delay(ordered.ms);
    };
    prototype[verb] = async function (...given) {
      obeyed('before');
      await lag();
      const result = await original.apply(this, given);
      obeyed('after');
      return result;
    };
  }
}
