import { StoreUnavailable } from 'nestjs-token';
import { TypeOrmTokenRepository } from 'nestjs-token/typeorm';
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
  /** How long the `loadUser` hook takes. */
  loadUserMs?: number;
  /** What the `claims` hook does. */
  claims?: Mood;
  /** Whoever comes to one of these moments waits there until it is no longer listed. */
  hold?: readonly Moment[];
  /** What the `onEvent` listener does. */
  onEvent?: Mood;
}

export type Verb = 'rotate' | 'advance' | 'find' | 'revoke' | 'insert';
/** `is down`: as a hook says that its own store is away. `dawdles`: answers in the end. `hangs`: never answers. */
export type Mood = 'works' | 'fails' | 'is down' | 'dawdles' | 'hangs' | 'says no';
/** Where a request can be held: around a call of the store, in a hook, in a handler, in the middle of a response. */
export type Moment = `before ${Verb}` | `after ${Verb}` | 'loadUser' | 'handler' | 'response';

const VERBS = ['rotate', 'advance', 'find', 'revoke', 'insert'] as const;

/** The orders that are in force. */
export class Control {
  /** How often each verb of the store has been called. */
  readonly calls: Record<Verb, number> = { rotate: 0, advance: 0, find: 0, revoke: 0, insert: 0 };
  private orders: Orders = {};
  private readonly waiting = new Map<Moment, (() => void)[]>();

  constructor() {
    for (const verb of VERBS) this.wrap(verb);
  }

  /** How many wait at a moment that is held. */
  get held(): number {
    return [...this.waiting.values()].flat().length;
  }

  obey(orders: Orders): void {
    this.orders = { ...this.orders, ...orders };
    if (orders.skewMs !== undefined) setSkew(orders.skewMs);
    for (const [moment, waiting] of this.waiting) {
      if (!this.isHeld(moment)) for (const go of waiting.splice(0)) go();
    }
  }

  /** Waits while the moment is held. */
  async pass(moment: Moment): Promise<void> {
    if (!this.isHeld(moment)) return;
    const waiting = this.waiting.get(moment) ?? [];
    this.waiting.set(moment, waiting);
    await new Promise<void>((resolve) => waiting.push(resolve));
  }

  /** A user, or whatever has been ordered instead. */
  async loadUser(subject: string): Promise<object | null> {
    await this.pass('loadUser');
    if (this.orders.loadUserMs) await delay(this.orders.loadUserMs);
    return this.act(this.orders.loadUser, { name: subject });
  }

  async claims(): Promise<object> {
    return (await this.act(this.orders.claims, {})) ?? {};
  }

  async onEvent(): Promise<unknown> {
    return this.act(this.orders.onEvent, null);
  }

  private isHeld(moment: Moment): boolean {
    return this.orders.hold?.includes(moment) === true;
  }

  private async act<T>(mood: Mood | undefined, result: T): Promise<T | null> {
    if (mood === 'fails') throw new Error('ordered to fail');
    if (mood === 'is down') throw new StoreUnavailable();
    if (mood === 'dawdles') await delay(1_500);
    if (mood === 'hangs') await new Promise(() => undefined);
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
    const { calls } = this;
    const pass = (moment: Moment): Promise<void> => this.pass(moment);
    prototype[verb] = async function (...given) {
      calls[verb] += 1;
      obeyed('before');
      await lag();
      await pass(`before ${verb}`);
      const result = await original.apply(this, given);
      obeyed('after');
      await pass(`after ${verb}`);
      return result;
    };
  }
}
