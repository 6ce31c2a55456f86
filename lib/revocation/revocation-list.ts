import { SessionDenylist } from '../access-token/session-denylist.js';
import { StoreUnavailable, TokenExpired, TokenRevoked } from '../errors/token.errors.js';
import type { RevocationHints } from './revocation-hints.js';
import { RevocationPoller } from './revocation-poller.js';
import type { ReadingSettings } from './revocation-reader.js';
import { RevocationReader } from './revocation-reader.js';
import type { StoreWatch } from '../session/store-watch.js';
import type { RevokedSession, TokenRepository } from '../session/token-repository.js';
import { StoreConflict } from '../session/token-repository.js';

/** How a node learns about revocations. */
export interface RevocationSettings extends ReadingSettings {
  readonly mode: 'poll' | 'strict' | 'off';
  /** Milliseconds from one poll to the next. Tests of the push channel make it long. @defaultValue half a second */
  readonly intervalMs?: number | undefined;
}

/** What a list works with in addition to the store. */
export interface RevocationPorts {
  /** The push channel, if there is one. */
  readonly hints?: RevocationHints | null;
  /** Is told whether the store responds. */
  readonly watch?: StoreWatch;
}

/** What this node knows of a session. */
interface Entry {
  /** The value of `performance.now()` from which all access tokens that this entry refuses have expired. */
  readonly until: number;
  /** Access tokens with a smaller `sid_epoch` are refused. `Infinity` for a session that is revoked. */
  readonly accessEpoch: number;
}

/**
 * The sessions that were revoked, or whose access tokens were, within the last lifetime of an access token. With this list, a node refuses
 * these access tokens without a query per request. It contains the node's own revocations at once, and those of other nodes after the next
 * poll, or sooner after a hint.
 */
export class RevocationList extends SessionDenylist {
  /** What is known of each session id. In the order of {@link Entry.until}. */
  private readonly entries = new Map<string, Entry>();
  private readonly poller: RevocationPoller;
  private readonly listeners: (() => void)[] = [];

  constructor(
    private readonly repository: TokenRepository,
    private readonly settings: RevocationSettings,
    private readonly ports: RevocationPorts = {},
  ) {
    super();
    const reader = new RevocationReader(repository, settings, (sessions) => this.addUnknown(sessions));
    this.poller = new RevocationPoller(reader, { intervalMs: settings.intervalMs, watch: ports.watch });
  }

  /** Adds sessions that this node has just revoked, and tells the other nodes. */
  override addOwn(sessionIds: readonly string[]): void {
    this.add(sessionIds);
    this.announce();
  }

  /** Adds a session whose access tokens this node has just revoked, and tells the other nodes. */
  override addOwnAccess(sessionId: string, accessEpoch: number): void {
    if (accessEpoch > this.accessEpoch(sessionId)) this.enter([sessionId], accessEpoch);
    this.announce();
  }

  /** Adds sessions of which this node has learned that they are revoked. */
  override add(sessionIds: readonly string[]): void {
    this.enter(sessionIds, Infinity);
  }

  /** Whether this node knows that a session is revoked. No I/O. */
  override has(sessionId: string): boolean {
    return this.accessEpoch(sessionId) === Infinity;
  }

  /** Returns the `sid_epoch` that an access token of a session must at least have, as far as this node knows. No I/O. */
  override accessEpoch(sessionId: string): number {
    return this.entries.size === 0 ? 0 : (this.entries.get(sessionId)?.accessEpoch ?? 0);
  }

  /**
   * Whether the last successful poll began at most one second before `now` (`performance.now()`). If not, this node was frozen, blocked or
   * idle. While the store fails, the list counts as current, because waiting would turn an outage of the store into an outage of
   * everything. With `'off'` it is always current, and with `'strict'` it never is.
   */
  override isCurrent(now: number): boolean {
    return this.settings.mode !== 'strict' && this.poller.isCurrent(now);
  }

  /**
   * Polls unless the list is current. Joins a poll that is under way. Never rejects, and takes at most one second. With `'strict'`, where
   * nothing else polls, it always polls.
   */
  override async catchUp(): Promise<void> {
    if (this.settings.mode === 'strict') await this.poll().catch(() => undefined);
    else await this.poller.catchUp();
  }

  override onRevocation(listener: () => void): void {
    this.listeners.push(listener);
  }

  override async confirm(sessionId: string, accessEpoch: number): Promise<void> {
    if (!this.poller.isCurrent(performance.now())) await this.poller.catchUp();
    requireEpoch(sessionId, accessEpoch, this.accessEpoch(sessionId));
    if (this.settings.mode !== 'strict') return;
    const stored = await this.storedEpoch(sessionId);
    // A token that this node signs for the session from now on comes after it.
    if (stored !== Infinity && stored > this.accessEpoch(sessionId)) this.enter([sessionId], stored);
    requireEpoch(sessionId, accessEpoch, stored);
  }

  /** Reads the sessions that were revoked since the last successful poll. Rejects if the store does. */
  async poll(): Promise<void> {
    await this.poller.poll();
  }

  /**
   * Reads the recent revocations once before the node serves requests. Then polls every half a second and after hints. Its timers do not
   * keep the process alive.
   */
  async start(): Promise<void> {
    if (this.settings.mode === 'off') return;
    await this.poll();
    if (this.settings.mode === 'poll') this.poller.start(this.ports.hints ?? null);
  }

  /**
   * How old the list is: milliseconds since the last successful poll began. Null if this node does not poll. A node that is idle polls
   * seldom, and catches up when a request comes.
   */
  get ageMs(): number | null {
    return this.poller.isRunning ? this.poller.ageMs : null;
  }

  /** Ends polling and announcing. Does not close the push channel. */
  stop(): void {
    this.poller.stop();
  }

  /** Asks the store what {@link accessEpoch} should say. @throws {StoreUnavailable} rejects with it. */
  private async storedEpoch(sessionId: string): Promise<number> {
    const { watch } = this.ports;
    const found = await this.repository.find({ realm: this.settings.realm, id: sessionId }).catch((cause: unknown) => {
      if (!(cause instanceof StoreConflict)) watch?.failed();
      throw new StoreUnavailable({ cause });
    });
    watch?.succeeded();
    if (found?.session.revokedAt !== null) return Infinity;
    const { accessRevokedAt } = found.session;
    return accessRevokedAt !== null && found.at - accessRevokedAt < this.settings.horizonMs ? accessRevokedAt : 0;
  }

  private announce(): void {
    if (this.poller.isRunning) this.ports.hints?.announce();
  }

  private addUnknown(sessions: readonly RevokedSession[]): void {
    this.forgetOld(performance.now());
    for (const { id, revokedAt, accessOnly } of sessions) {
      const accessEpoch = accessOnly ? revokedAt : Infinity;
      if (accessEpoch > this.accessEpoch(id)) this.enter([id], accessEpoch);
    }
  }

  private enter(sessionIds: readonly string[], accessEpoch: number): void {
    const now = performance.now();
    const entry = { until: now + this.settings.horizonMs, accessEpoch };
    this.forgetOld(now);
    for (const id of sessionIds) {
      this.entries.delete(id);
      this.entries.set(id, entry);
    }
    for (const listener of this.listeners) listener();
  }

  private forgetOld(now: number): void {
    for (const [id, { until }] of this.entries) {
      if (until > now) return;
      this.entries.delete(id);
    }
  }
}

/**
 * Requires that an access token comes after the last revocation of access tokens of its session.
 * @throws {TokenRevoked | TokenExpired}
 */
function requireEpoch(sessionId: string, accessEpoch: number, least: number): void {
  if (least === Infinity) throw new TokenRevoked(sessionId);
  if (accessEpoch < least) throw new TokenExpired(sessionId);
}
