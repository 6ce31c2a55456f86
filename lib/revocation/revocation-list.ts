import { SessionDenylist } from '../access-token/session-denylist.js';
import { StoreUnavailable, TokenRevoked } from '../errors/token.errors.js';
import type { RevocationHints } from './revocation-hints.js';
import { RevocationPoller } from './revocation-poller.js';
import type { ReadingSettings } from './revocation-reader.js';
import { RevocationReader } from './revocation-reader.js';
import type { RevokedSession, TokenRepository } from '../session/token-repository.js';

/** How a node learns about revocations. */
export interface RevocationSettings extends ReadingSettings {
  readonly mode: 'poll' | 'strict' | 'off';
  /** Milliseconds from one poll to the next. Tests of the push channel make it long. @defaultValue half a second */
  readonly intervalMs?: number | undefined;
}

/**
 * The sessions that were revoked within the last lifetime of an access token. With this list, a node refuses their access tokens without a
 * query per request. It contains the node's own revocations at once, and those of other nodes after the next poll, or sooner after a hint.
 */
export class RevocationList extends SessionDenylist {
  /** For each session id, the value of `performance.now()` from which all its access tokens have expired. In the order of these values. */
  private readonly revoked = new Map<string, number>();
  private readonly poller: RevocationPoller;

  /** @param hints the push channel, if there is one. */
  constructor(
    private readonly repository: TokenRepository,
    private readonly settings: RevocationSettings,
    private readonly hints: RevocationHints | null = null,
  ) {
    super();
    const reader = new RevocationReader(repository, settings, (sessions) => this.addUnknown(sessions));
    this.poller = new RevocationPoller(reader, settings.intervalMs);
  }

  /** Adds sessions that this node has just revoked, and tells the other nodes. */
  override addOwn(sessionIds: readonly string[]): void {
    this.add(sessionIds);
    if (this.poller.isRunning) this.hints?.announce();
  }

  /** Adds sessions of which this node has learned that they are revoked. */
  override add(sessionIds: readonly string[]): void {
    const now = performance.now();
    const until = now + this.settings.horizonMs;
    this.forgetOld(now);
    for (const id of sessionIds) {
      this.revoked.delete(id);
      this.revoked.set(id, until);
    }
  }

  /** Whether this node knows that a session is revoked. No I/O. */
  override has(sessionId: string): boolean {
    return this.revoked.size > 0 && this.revoked.has(sessionId);
  }

  /**
   * Whether the last successful poll began at most one second before `now` (`performance.now()`). If not, this node was frozen, blocked or
   * idle. While the store fails, the list counts as current, because waiting would turn an outage of the store into an outage of
   * everything. With `'off'` it is always current, and with `'strict'` it never is.
   */
  override isCurrent(now: number): boolean {
    return this.settings.mode !== 'strict' && this.poller.isCurrent(now);
  }

  /** Polls unless the list is current. Joins a poll that is under way. Never rejects, and takes at most one second. */
  async catchUp(): Promise<void> {
    await this.poller.catchUp();
  }

  override async confirm(sessionId: string): Promise<void> {
    if (!this.poller.isCurrent(performance.now())) await this.catchUp();
    if (this.has(sessionId)) throw new TokenRevoked(sessionId);
    if (this.settings.mode === 'strict') await this.requireLive(sessionId);
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
    if (this.settings.mode === 'poll') this.poller.start(this.hints);
  }

  /** Ends polling and announcing. Does not close the push channel. */
  stop(): void {
    this.poller.stop();
  }

  /** Asks the store whether the session still lives. @throws {TokenRevoked | StoreUnavailable} */
  private async requireLive(sessionId: string): Promise<void> {
    const found = await this.repository.find({ realm: this.settings.realm, id: sessionId }).catch((cause: unknown) => {
      throw new StoreUnavailable({ cause });
    });
    if (!found || found.session.revokedAt !== null) throw new TokenRevoked(sessionId);
  }

  private addUnknown(sessions: readonly RevokedSession[]): void {
    this.add(sessions.map(({ id }) => id).filter((id) => !this.has(id)));
  }

  private forgetOld(now: number): void {
    for (const [id, until] of this.revoked) {
      if (until > now) return;
      this.revoked.delete(id);
    }
  }
}
