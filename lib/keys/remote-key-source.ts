import { Logger } from '@nestjs/common';
import type { Clock } from '../clock.js';
import { KeysUnavailable } from '../errors/token.errors.js';
import type { FetchLimits } from './fetch-key-set.js';
import { fetchKeySet } from './fetch-key-set.js';
import type { VerificationKey } from './key-source.js';
import { KeySource } from './key-source.js';
import { readKeySet } from './read-key-set.js';
import { TrustedKeys } from './trusted-keys.js';

/** Settings of a {@link RemoteKeySource}. Spans are milliseconds. */
export interface RemoteKeySettings extends FetchLimits {
  readonly uri: string;
  readonly maxAgeMs: number;
  readonly cooldownMs: number;
}

/** Time between two attempts as long as no keys have ever been fetched, in milliseconds. */
const FIRST_RETRY_MS = 1_000;

/**
 * The published keys of another service. They are fetched before the first request, again after `maxAge`, and at most once per cool-down
 * because of an unknown `kid`. Everything that needs a fetch waits for the same one. While the key server is unavailable, the last keys
 * that it has published stay in use.
 */
export class RemoteKeySource extends KeySource {
  private readonly logger = new Logger('TokenModule');
  private readonly trusted = new TrustedKeys();
  /** Why the last fetch failed, or null. */
  private failure: { readonly cause: unknown } | null = null;
  /** What has been logged about keys that are not used. */
  private remarks = '';
  private pending: Promise<void> | null = null;
  /** The keys are used between these two instants without being fetched again. Epoch milliseconds. */
  private fresh = { from: 0, until: 0 };
  /** When the keys were fetched last, epoch milliseconds. */
  private fetchedAt: number | null = null;
  /** When an unknown `kid` has caused a fetch, epoch milliseconds. */
  private soughtAt = -Infinity;

  constructor(
    private readonly settings: RemoteKeySettings,
    private readonly clock: Clock,
  ) {
    super();
  }

  /** Fetches the keys for the first time. If that fails, the application starts nevertheless. */
  start(): Promise<void> {
    return this.refresh();
  }

  override find(kid: string): VerificationKey | undefined | Promise<VerificationKey | undefined> {
    if (!this.isFresh()) {
      if (!this.failure || this.trusted.size === 0) return this.findAfter(this.refresh(), kid);
      // The key server was unavailable. Nobody waits for the next attempt.
      this.prolong(this.settings.cooldownMs);
      void this.refresh();
    }
    const found = this.trusted.find(kid);
    if (found) return found;
    if (this.pending) return this.findAfter(this.pending, kid);
    return this.maySeek() ? this.findAfter(this.refresh(), kid) : this.missing();
  }

  override trusts(key: VerificationKey): boolean {
    return this.trusted.has(key) && this.isFresh();
  }

  /** Milliseconds since the keys were fetched last. Null if they never were. */
  get ageMs(): number | null {
    return this.fetchedAt === null ? null : this.clock.now() - this.fetchedAt;
  }

  override get all(): readonly VerificationKey[] {
    return this.trusted.all;
  }

  override retire(kid: string): void {
    this.trusted.retire(kid);
  }

  private async findAfter(refresh: Promise<void>, kid: string): Promise<VerificationKey | undefined> {
    await refresh;
    return this.trusted.find(kid) ?? this.missing();
  }

  /**
   * Returns the verdict on an unknown `kid`.
   * @throws {KeysUnavailable} if the key may have been published since the key server became unavailable.
   */
  private missing(): VerificationKey | undefined {
    if (this.failure) throw new KeysUnavailable(this.failure);
    return undefined;
  }

  /** Tells whether an unknown `kid` may cause a fetch now. A clock that was set back does not lengthen the cool-down. */
  private maySeek(): boolean {
    const now = this.clock.now();
    if (now >= this.soughtAt && now < this.soughtAt + this.settings.cooldownMs) return false;
    this.soughtAt = now;
    return true;
  }

  private isFresh(): boolean {
    const now = this.clock.now();
    return now >= this.fresh.from && now < this.fresh.until;
  }

  private prolong(spanMs: number): void {
    const from = this.clock.now();
    this.fresh = { from, until: from + spanMs };
  }

  /** Never rejects. */
  private refresh(): Promise<void> {
    this.pending ??= this.attempt().finally(() => {
      this.pending = null;
    });
    return this.pending;
  }

  private async attempt(): Promise<void> {
    const { uri, maxAgeMs, cooldownMs } = this.settings;
    try {
      this.accept(await fetchKeySet(uri, this.settings));
      if (this.failure) this.logger.log('jwks.uri: the key server is available again');
      this.failure = null;
      this.fetchedAt = this.clock.now();
      this.prolong(maxAgeMs);
    } catch (cause) {
      if (!this.failure) this.logger.warn(`jwks.uri: the key set of ${new URL(uri).origin} cannot be used: ${messageOf(cause)}`);
      this.failure = { cause };
      this.prolong(this.trusted.size > 0 ? cooldownMs : FIRST_RETRY_MS);
    }
  }

  private accept(document: unknown): void {
    const { keys, refused } = readKeySet(document);
    if (keys.length === 0) throw new Error(['has no key that can be used', ...refused].join('; '));
    this.trusted.replace(keys);
    const remarks = refused.join('; ');
    if (remarks !== '' && remarks !== this.remarks) this.logger.warn(`jwks.uri: ${remarks}`);
    this.remarks = remarks;
  }
}

/** Returns our own messages, and the name of every other error. A message of the network may tell addresses. */
function messageOf(cause: unknown): string {
  const { name, message, cause: inner } = Object(cause) as Partial<Error>;
  const { code } = Object(inner) as { code?: unknown };
  return name === 'Error' ? String(message) : `${String(name)}${typeof code === 'string' ? ` (${code})` : ''}`;
}
