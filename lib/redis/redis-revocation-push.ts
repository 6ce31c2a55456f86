import { createHash } from 'node:crypto';
import { RevocationPush } from '../revocation/revocation-push.js';
import { TokenOptionsError } from '../errors/token.errors.js';

/** The application's client of Redis or Valkey, such as one that ioredis makes with `new Redis(…)`. */
export interface RedisPublisher {
  /** The state of its connection. It can publish in `ready`, and in `wait`, in which the first command connects it. */
  readonly status: string;
  /** Sends a message to a channel. */
  publish(channel: string, message: string): Promise<unknown>;
  /** Makes a second client with the same options, except for those that are given here. */
  duplicate(options?: object): RedisSubscriber;
}

/** A client that only listens. */
export interface RedisSubscriber {
  /** Starts to listen to a channel. */
  subscribe(channel: string): Promise<unknown>;
  /** Is called when a message has come in. */
  on(event: 'message', listener: (channel: string) => void): unknown;
  /** Is called each time the connection has been made, and on every problem with it. */
  on(event: 'ready' | 'error', listener: () => void): unknown;
  /** The socket of the present connection. It must not keep the process alive. */
  readonly stream?: { unref?(): unknown };
  /** Closes the connection at once. */
  disconnect(): void;
}

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;

/** The options of the listening client. Unlike the application's client, it always reconnects, however long that takes. */
const SUBSCRIBER = {
  autoResubscribe: true,
  enableOfflineQueue: true,
  maxRetriesPerRequest: null,
  keepAlive: 10_000,
  commandTimeout: undefined,
  retryStrategy: (attempt: number): number => Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (attempt - 1)),
};

/**
 * Tells other nodes about revocations through publish and subscribe of Redis or Valkey. It publishes with the application's own client,
 * which it never closes. It listens with a duplicate of that client, which reconnects by itself. The name of a channel is
 * `nestjs-token:revoked:` and a hash of the instance name. Nothing is stored in Redis.
 *
 * @example
 * TokenModule.forRoot({ issuer, secret, push: new RedisRevocationPush(new Redis(process.env.REDIS_URL)) });
 */
export class RedisRevocationPush extends RevocationPush {
  /** The function to call for a hint, by channel. */
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
    // Without a connection, the client would keep the message for later. It would be of no use then, and the queue would grow.
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

  /** Subscribes again, even if the client has done so, and gives a hint, because messages may have been missed. */
  async #resume(subscriber: RedisSubscriber): Promise<void> {
    subscriber.stream?.unref?.();
    for (const [channel, onHint] of this.#listeners) {
      await subscriber.subscribe(channel).catch(() => undefined);
      onHint();
    }
  }
}

/** There is no connection at the moment. The client will make it again. */
class PushDisconnected extends Error {
  override readonly name = 'PushDisconnected';
  constructor() {
    super('the push channel is not connected');
  }
}

function channelOf(realm: string): string {
  return `nestjs-token:revoked:${createHash('sha256').update(realm).digest('hex').slice(0, 32)}`;
}
