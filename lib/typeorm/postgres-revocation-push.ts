import { Logger } from '@nestjs/common';
import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { DataSource } from 'typeorm';
import { RevocationPush } from '../revocation/revocation-push.js';
import { TokenOptionsError } from '../errors/token.errors.js';

/** What this class uses of a client of the pg driver. */
interface PgClient {
  connect(): Promise<unknown>;
  query(sql: string, parameters?: readonly string[]): Promise<unknown>;
  end(): Promise<void>;
  unref?(): void;
  on(event: 'notification', listener: (message: { channel: string }) => void): unknown;
  on(event: 'error' | 'end', listener: () => void): unknown;
}

/** The pool of TypeORM's driver, with the class of its clients and the options that they are made with. */
interface PgPool {
  readonly Client: new (options: object) => PgClient;
  readonly options: object;
}

/** How long a notification of this class's own may take to come back, in milliseconds. */
const ECHO_MS = 1_000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 10_000;
/**
 * Options of the connection. If it does not respond, it is given up. If nothing happens on it, it is kept alive, so that firewalls do not
 * drop it.
 */
const OWN_OPTIONS = { connectionTimeoutMillis: 5_000, query_timeout: 5_000, keepAlive: true, keepAliveInitialDelayMillis: 10_000 };

/**
 * Push by LISTEN and NOTIFY on the primary, over one connection in addition to the pool. So a hint never waits for a connection that a
 * request needs. Lost connections are made again, after 0.1 s at first and after 10 s at most. The name of a channel is a hash of the
 * instance name.
 *
 * It does not work through a pooler that lends connections per transaction (PgBouncer). Give it a DataSource that reaches the server
 * itself. It notifies itself to find that out, and writes one line to the log if it hears nothing.
 */
export class PostgresRevocationPush extends RevocationPush {
  /** The callbacks that wait for hints, by channel. */
  readonly #listeners = new Map<string, () => void>();
  readonly #closing = new AbortController();
  readonly #logger = new Logger('TokenModule');
  /** A channel of its own, so that testing whether it hears something disturbs nobody. */
  readonly #echo = `nestjs_token_echo_${randomBytes(8).toString('hex')}`;
  #heardAt = -Infinity;
  #hasWarned = false;
  readonly #dataSource: DataSource;
  /** The connection, from before it is open until it has ended. */
  #client: PgClient | null = null;
  #isListening = false;
  #failures = 0;
  #working: Promise<void> | undefined;

  /**
   * @param dataSource an initialised PostgreSQL DataSource, the sessions' own or another one on the same database.
   * @throws {TokenOptionsError} on another engine.
   */
  constructor(dataSource: DataSource) {
    super();
    if (dataSource.options.type !== 'postgres') throw new TokenOptionsError('push', 'PostgresRevocationPush takes a PostgreSQL DataSource');
    this.#dataSource = dataSource;
  }

  override async announce(realm: string): Promise<void> {
    if (!this.#client || !this.#isListening) throw new PushDisconnected();
    const client = this.#client;
    await client.query('SELECT pg_notify($1, $2)', [channelOf(realm), '']).catch(async (error: unknown) => {
      await client.end();
      throw error;
    });
  }

  override async listen(realm: string, onHint: () => void): Promise<void> {
    const channel = channelOf(realm);
    this.#listeners.set(channel, onHint);
    if (this.#client && this.#isListening) await this.#client.query(`LISTEN ${channel}`);
    this.#working ??= this.#work();
  }

  override async close(): Promise<void> {
    this.#closing.abort();
    // A connection that is still being made ends as soon as it is there, because the driver cannot end it before.
    if (this.#isListening) await this.#client?.end();
    await this.#working;
  }

  /** Makes one connection after the other. */
  async #work(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      await this.#serve().catch(() => undefined);
      this.#isListening = false;
      const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#failures++);
      // Nodes that lost their connections together come back one by one.
      await delay(longest * (0.5 + Math.random() / 2), undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  /** Serves one connection, from its making until it ends. */
  async #serve(): Promise<void> {
    const client = this.#newClient();
    this.#client = client;
    const ended = new Promise<void>((resolve) => client.on('end', resolve));
    try {
      await client.connect();
      client.unref?.();
      for (const channel of [this.#echo, ...this.#listeners.keys()]) await client.query(`LISTEN ${channel}`);
      this.#isListening = true;
      this.#failures = 0;
      for (const onHint of this.#listeners.values()) onHint();
      void this.#listenForEcho();
    } catch {
      await client.end();
    }
    if (this.#closing.signal.aborted) await client.end();
    await ended;
  }

  /**
   * Notifies itself, from a connection of the pool: through a pooler, a notification of the listening connection itself might come back
   * although those of others do not.
   */
  async #listenForEcho(): Promise<void> {
    const { signal } = this.#closing;
    const startedAt = performance.now();
    try {
      await this.#dataSource.query(`NOTIFY ${this.#echo}`);
      await delay(ECHO_MS, undefined, { signal, ref: false });
    } catch {
      // The push has been closed, or the pool cannot notify at the moment.
      return;
    }
    if (this.#heardAt >= startedAt || this.#hasWarned || !this.#isListening) return;
    this.#hasWarned = true;
    this.#logger.warn(
      'the push channel hears no notification: PostgresRevocationPush needs a DataSource that reaches PostgreSQL without a pooler in transaction mode; other nodes see revocations with their next poll',
    );
  }

  #heard(channel: string): void {
    if (channel === this.#echo) this.#heardAt = performance.now();
    else this.#listeners.get(channel)?.();
  }

  #newClient(): PgClient {
    const { Client, options } = (this.#dataSource.driver as unknown as { master: PgPool }).master;
    // The password is not enumerable: spreading would lose it.
    const copied: object = Object.defineProperties({}, Object.getOwnPropertyDescriptors(options));
    const client = new Client(Object.assign(copied, OWN_OPTIONS));
    client.on('error', () => undefined);
    client.on('notification', ({ channel }) => this.#heard(channel));
    return client;
  }
}

/** There is no connection at the moment. It is being made again. */
class PushDisconnected extends Error {
  override readonly name = 'PushDisconnected';
  constructor() {
    super('the push channel is not connected');
  }
}

/** Returns the name of a channel. LISTEN takes no parameter, and a hash is a short identifier for any text. */
function channelOf(realm: string): string {
  return `nestjs_token_${createHash('sha256').update(realm).digest('hex').slice(0, 32)}`;
}
