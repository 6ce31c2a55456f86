import { createHash } from 'node:crypto';
import { RevocationPush } from '../revocation/revocation-push.js';
import { TokenOptionsError } from '../errors/token.errors.js';

/** The application's client of Redis or Valkey, as ioredis has it (`new Redis(…)`). */
export interface RedisPublisher {
  /** Its connection's state; it publishes in `ready`, and in `wait`: connected by the first command. */
  readonly status: string;
  /** Sends a message to a channel. */
  publish(channel: string, message: string): Promise<unknown>;
  /** A second client with the same options, over which those given prevail. */
  duplicate(options?: object): RedisSubscriber;
}

/** A client that does nothing but listen. */
export interface RedisSubscriber {
  /** Starts to listen to a channel. */
  subscribe(channel: string): Promise<unknown>;
  /** A message has come in. */
  on(event: 'message', listener: (channel: string) => void): unknown;
  /** The connection is there, again or for the first time; or something is wrong with it. */
  on(event: 'ready' | 'error', listener: () => void): unknown;
  /** The socket of the present connection, which is kept from keeping the process alive. */
  readonly stream?: { unref?(): unknown };
  /** Closes the connection, without waiting for anything. */
  disconnect(): void;
}

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;

/** Whatever the application's client is like, this one comes back and waits for as long as it takes. */
const SUBSCRIBER = {
  autoResubscribe: true,
  enableOfflineQueue: true,
  maxRetriesPerRequest: null,
  keepAlive: 10_000,
  commandTimeout: undefined,
  retryStrategy: (attempt: number): number => Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (attempt - 1)),
};

/**
 * Push by publish and subscribe of Redis or Valkey. Publishes with the application's own client, which it never closes, and listens with a
 * duplicate of it, which comes back by itself. Channels are `nestjs-token:revoked:` and a hash of the realm; nothing is stored.
 */
export class RedisRevocationPush extends RevocationPush {
  /** Channel → who waits for hints on it. */
  readonly #listeners = new Map<string, () => void>();
  readonly #client: RedisPublisher;
  #subscriber: RedisSubscriber | undefined;
  #isClosed = false;

  /**
   * @param client a client of ioredis.
   * @throws {TokenOptionsError} when it lacks `publish` or `duplicate`.
   */
  constructor(client: RedisPublisher) {
    super();
    const given = client as Partial<RedisPublisher> | null | undefined;
    if (typeof given?.publish !== 'function' || typeof given.duplicate !== 'function')
      throw new TokenOptionsError('push', 'RedisRevocationPush takes a client of ioredis');
    this.#client = client;
  }

  override async announce(realm: string): Promise<void> {
    // Without a connection the client would keep the message for later: of no use then, and a queue that grows.
    if (!['ready', 'wait'].includes(this.#client.status)) throw new PushDisconnected();
    await this.#client.publish(channelOf(realm), '');
  }

  override async listen(realm: string, onHint: () => void): Promise<void> {
    if (this.#isClosed) return;
    const channel = channelOf(realm);
    this.#listeners.set(channel, onHint);
    this.#subscriber ??= this.#newSubscriber();
    await this.#subscriber.subscribe(channel);
  }

  override async close(): Promise<void> {
    this.#isClosed = true;
    this.#subscriber?.disconnect();
  }

  #newSubscriber(): RedisSubscriber {
    const subscriber = this.#client.duplicate(SUBSCRIBER);
    subscriber.on('error', () => undefined);
    subscriber.on('message', (channel) => this.#listeners.get(channel)?.());
    subscriber.on('ready', () => void this.#resume(subscriber));
    return subscriber;
  }

  /** Subscribed again by the client or not, and some messages have been missed. */
  async #resume(subscriber: RedisSubscriber): Promise<void> {
    subscriber.stream?.unref?.();
    for (const [channel, onHint] of this.#listeners) {
      await subscriber.subscribe(channel).catch(() => undefined);
      onHint();
    }
  }
}

/** There is no connection at the moment; the client makes it again. */
class PushDisconnected extends Error {
  override readonly name = 'PushDisconnected';
  constructor() {
    super('the push channel is not connected');
  }
}

function channelOf(realm: string): string {
  return `nestjs-token:revoked:${createHash('sha256').update(realm).digest('hex').slice(0, 32)}`;
}
