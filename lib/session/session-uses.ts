import { Logger } from '@nestjs/common';
import { withDeadline } from '../principal/deadline.js';
import { cleanText } from './device-text.js';
import type { PatientStore } from './patient-store.js';

/** What a request says about its sender. Express and Fastify derive `ip` from the connection and from the proxies that they trust. */
export interface UsingRequest {
  readonly headers: { readonly 'user-agent'?: string | undefined };
  readonly ip?: unknown;
}

/** Settings of {@link SessionUses}. */
export interface UseSettings {
  /** Name of the instance. */
  readonly name: string;
  /** The use of one session is written at most once in this time, in milliseconds. */
  readonly everyMs: number;
}

interface Use {
  /** The value of `performance.now()` at the last request. */
  usedAt: number;
  readonly ip?: string;
  readonly userAgent?: string;
}

/** How long uses are gathered before they are written, in milliseconds, unless {@link UseSettings.everyMs} is shorter. */
const BATCH_MS = 10_000;
/** Maximum number of sessions in one batch. The use of any further session is dropped, and a later request notes it again. */
const MAX_GATHERED = 10_000;
/** Maximum number of sessions of which this node knows when their use was written. */
const MAX_WRITTEN = 100_000;
/** Number of statements at once, so that most connections of the pool stay free for requests. */
const WRITERS = 3;
/** The longest time that a shutdown waits for the last batch, in milliseconds. */
const CLOSING_MS = 5_000;

/**
 * Notes when and from where sessions are used, and writes it in batches. A request neither waits for this nor fails because of it. If the
 * store does not respond, the uses of the batch are lost.
 */
export class SessionUses {
  private readonly logger = new Logger('TokenModule');
  private readonly gathered = new Map<string, Use>();
  /** For each session, the value of `performance.now()` from which its use may be written again. In the order of these values. */
  private readonly notBefore = new Map<string, number>();
  private timer: NodeJS.Timeout | undefined;
  private writing: Promise<void> | undefined;
  private failing = false;

  constructor(
    private readonly settings: UseSettings,
    private readonly store: PatientStore,
  ) {}

  /** Notes that a request of a session has been admitted. It does no I/O and never throws. */
  note(sessionId: string | undefined, request: UsingRequest): void {
    if (sessionId === undefined) return;
    const now = performance.now();
    const known = this.gathered.get(sessionId);
    if (known) known.usedAt = now;
    else if (now >= (this.notBefore.get(sessionId) ?? -Infinity) && this.gathered.size < MAX_GATHERED) {
      this.gathered.set(sessionId, { usedAt: now, ...senderOf(request) });
      this.schedule();
    }
  }

  /** Writes what has been gathered. Never rejects. */
  async flush(): Promise<void> {
    this.writing ??= this.writeAll().finally(() => (this.writing = undefined));
    await this.writing;
  }

  /** Writes what has been gathered, and stops the timer. Never rejects, and takes at most five seconds. */
  async stop(): Promise<void> {
    const late = (): Error => new Error('the last uses of sessions took too long');
    const last = this.flush().then(() => this.flush());
    await withDeadline(last, CLOSING_MS, late).catch(() => undefined);
    clearTimeout(this.timer);
  }

  private schedule(): void {
    this.timer ??= setTimeout(() => void this.flush(), Math.min(BATCH_MS, this.settings.everyMs)).unref();
  }

  private async writeAll(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    const uses = [...this.gathered];
    this.gathered.clear();
    const remaining = uses[Symbol.iterator]();
    const outcome = { failed: false };
    await Promise.all(Array.from({ length: WRITERS }, () => this.write(remaining, outcome)));
    if (uses.length > 0) this.report(outcome.failed);
    if (this.gathered.size > 0) this.schedule();
  }

  /** Writes one use after the other. After a failure, the rest of the batch is dropped, because every statement would wait in vain. */
  private async write(remaining: Iterable<[string, Use]>, outcome: { failed: boolean }): Promise<void> {
    for (const [id, { usedAt, ...sender }] of remaining) {
      if (outcome.failed) return;
      this.markWritten(id);
      const patch = { ...sender, usedAgoMs: performance.now() - usedAt };
      try {
        await this.store.ask((repository) => repository.update({ realm: this.settings.name, id }, patch));
      } catch {
        this.notBefore.delete(id);
        outcome.failed = true;
      }
    }
  }

  private markWritten(sessionId: string): void {
    const now = performance.now();
    for (const [id, instant] of this.notBefore) {
      if (instant > now && this.notBefore.size < MAX_WRITTEN) break;
      this.notBefore.delete(id);
    }
    this.notBefore.delete(sessionId);
    this.notBefore.set(sessionId, now + this.settings.everyMs);
  }

  /** Writes one line into the log when writing begins to fail, and one when it works again. */
  private report(failed: boolean): void {
    if (failed && !this.failing) this.logger.warn('the last use of sessions cannot be written');
    if (!failed && this.failing) this.logger.log('the last use of sessions is being written again');
    this.failing = failed;
  }
}

/** Returns the address and the browser of a request, as far as they are known. */
function senderOf(request: UsingRequest): Pick<Use, 'ip' | 'userAgent'> {
  const ip = ipOf(request);
  // A subclass of the guard may give an object of its own as the request.
  const userAgent: unknown = request.headers['user-agent'];
  return { ...(ip !== undefined && { ip: cleanText(ip) }), ...(typeof userAgent === 'string' && { userAgent: cleanText(userAgent) }) };
}

/** Reads `request.ip`, which calls the application's own function if Express trusts proxies by one. */
function ipOf(request: UsingRequest): string | undefined {
  try {
    return typeof request.ip === 'string' ? request.ip : undefined;
  } catch {
    return undefined;
  }
}
