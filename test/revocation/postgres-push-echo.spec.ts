import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { PostgresRevocationPush } from 'nestjs-token/typeorm';
import { EventEmitter, once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { DataSource } from 'typeorm';
import { until } from '../support/until.js';

const WARNING =
  'the push channel hears no notification: PostgresRevocationPush needs a DataSource that reaches PostgreSQL without a pooler in transaction mode; other nodes see revocations with their next poll';
/** Longer than an echo is waited for. */
const LONG_ENOUGH = 1_300;

/** A server that forgets who listens, as a pooler in transaction mode does, or does not. */
class FakeServer {
  readonly clients: FakeClient[] = [];
  readonly notified: string[] = [];
  readonly query = async (sql: string): Promise<void> => {
    if (this.isBroken) throw new Error('the pool is exhausted');
    const [, channel = ''] = /^NOTIFY (\w+)$/.exec(sql) ?? [];
    this.notified.push(channel);
    if (this.remembers) for (const client of this.clients) client.hear(channel);
  };

  constructor(
    readonly remembers: boolean,
    readonly isBroken = false,
  ) {}

  get dataSource(): DataSource {
    const join = (client: FakeClient): void => void this.clients.push(client);
    class Client extends FakeClient {
      constructor() {
        super();
        join(this);
      }
    }
    return { options: { type: 'postgres' }, driver: { master: { Client, options: {} } }, query: this.query } as unknown as DataSource;
  }
}

class FakeClient extends EventEmitter {
  private readonly channels = new Set<string>();

  async connect(): Promise<void> {}

  async query(sql: string): Promise<void> {
    const [, channel] = /^LISTEN (\w+)$/.exec(sql) ?? [];
    if (channel) this.channels.add(channel);
  }

  hear(channel: string): void {
    if (this.channels.has(channel)) this.emit('notification', { channel });
  }

  async end(): Promise<void> {
    this.emit('end');
  }
}

describe('PostgresRevocationPush, which notifies itself', () => {
  let warnings: string[];
  let push: PostgresRevocationPush;
  beforeEach(() => {
    warnings = [];
    jest.spyOn(Logger.prototype, 'warn').mockImplementation((message: unknown) => void warnings.push(String(message)));
  });
  afterEach(async () => {
    await push.close();
    jest.restoreAllMocks();
  });

  const listening = async (server: FakeServer): Promise<string[]> => {
    const hints: string[] = [];
    push = new PostgresRevocationPush(server.dataSource);
    await push.listen('default', () => void hints.push('hint'));
    await until(() => hints.length === 1);
    return hints;
  };

  it('says in the log that it hears nothing, once however often it connects again (F-52)', async () => {
    const server = new FakeServer(false);
    await listening(server);
    await until(() => warnings.length === 1);
    const [client] = server.clients;
    const ended = once(client!, 'end');
    await client!.end();
    await ended;
    await until(() => server.notified.length === 2);
    await delay(LONG_ENOUGH);
    expect(warnings).toEqual([WARNING]);
  });

  it('says nothing when it hears itself, and takes that for no hint (F-52)', async () => {
    const server = new FakeServer(true);
    const hints = await listening(server);
    await delay(LONG_ENOUGH);
    expect([warnings, hints, server.notified.length]).toEqual([[], ['hint'], 1]);
  });

  it('says nothing when the notification could not be sent (F-52)', async () => {
    await listening(new FakeServer(false, true));
    await delay(LONG_ENOUGH);
    expect(warnings).toEqual([]);
  });

  it('says nothing when it is closed before the second is over (F-52)', async () => {
    await listening(new FakeServer(false));
    await push.close();
    await delay(LONG_ENOUGH);
    expect(warnings).toEqual([]);
  });
});
