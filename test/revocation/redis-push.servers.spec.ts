import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import type { RevocationPush } from 'nestjs-token';
import { TokenOptionsError } from 'nestjs-token';
import { RedisRevocationPush } from 'nestjs-token/redis';
import type { TestDatabase } from '../support/databases.js';
import { openDatabase } from '../support/databases.js';
import { describeWith, REDIS_PORT } from '../support/needs.js';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expectSteadyPolls, NO_POLLS, PushedNode } from '../support/pushed-nodes.js';
import { until } from '../support/until.js';

const describeHere = await describeWith('redis');

/** Stands between the nodes and Redis, and can be cut off, or let nothing through. */
class Proxy {
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();
  /** Whether bytes pass. */
  passes = true;

  constructor() {
    this.server = createServer((near) => {
      const far = connect(REDIS_PORT, '127.0.0.1');
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        this.sockets.add(from);
        from.on('data', (bytes) => this.passes && to.write(bytes));
        from.on('error', () => undefined);
        from.on('close', () => {
          to.destroy();
          this.sockets.delete(from);
        });
      }
    });
  }

  async open(port = 0): Promise<number> {
    await new Promise<void>((resolve) => this.server.listen(port, '127.0.0.1', resolve));
    return (this.server.address() as AddressInfo).port;
  }

  async cut(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    if (this.server.listening) await new Promise((resolve) => this.server.close(resolve));
  }
}

describeHere('RedisRevocationPush', () => {
  let folder: string;
  let database: TestDatabase;
  let proxy: Proxy;
  let port: number;
  let admin: Redis;
  let nodes: PushedNode[] = [];
  let clients: Redis[] = [];
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'token-'));
    database = await openDatabase('sqlite', { file: join(folder, 'app.db') });
    admin = new Redis(REDIS_PORT, '127.0.0.1');
  });
  beforeEach(async () => {
    proxy = new Proxy();
    port = await proxy.open();
  });
  afterEach(async () => {
    await Promise.all(nodes.map((node) => node.close()));
    for (const client of clients) client.disconnect();
    [nodes, clients] = [[], []];
    await proxy.cut();
  });
  afterAll(async () => {
    admin.disconnect();
    await database.drop();
    rmSync(folder, { recursive: true });
  });

  const client = (options: object = {}): Redis => {
    const made = new Redis({ port, host: '127.0.0.1', connectionName: 'push-test', ...options });
    made.on('error', () => undefined);
    clients.push(made);
    return made;
  };

  /** Addresses of the suite's connections that listen. */
  const listening = async (): Promise<string[]> => {
    const lines = String(await admin.client('LIST', 'TYPE', 'PUBSUB')).split('\n');
    return lines.filter((line) => line.includes('name=push-test')).map((line) => / addr=(\S+)/.exec(line)?.[1] ?? '');
  };

  const start = async (
    count: number,
    { pollIntervalMs = NO_POLLS, push = (): RevocationPush => new RedisRevocationPush(client()) } = {},
  ) => {
    for (let n = 0; n < count; n++) nodes.push(await PushedNode.start({ database: database.options, push, pollIntervalMs }));
    return nodes as [PushedNode, PushedNode];
  };

  const startListening = async (...args: Parameters<typeof start>): Promise<[PushedNode, PushedNode]> => {
    const started = await start(...args);
    await until(async () => (await listening()).length === args[0]);
    return started;
  };

  it('shows a revocation to the other node without its regular poll', async () => {
    const [here, there] = await startListening(2);
    for (let n = 0; n < 5; n++) {
      const pair = await here.refresh.signIn('alice');
      expect(await there.refuses(pair)).toBe(false);
      await here.refresh.signOut(pair.refreshToken);
      await there.refusesWithin(450, pair);
    }
  });

  it.each([
    ['connects late', { lazyConnect: true }],
    ['prefixes keys', { keyPrefix: 'app:' }],
    [
      'gives up soon',
      { retryStrategy: () => null, maxRetriesPerRequest: 0, autoResubscribe: false, enableOfflineQueue: false, commandTimeout: 50 },
    ],
  ])('does so with a client that %s', async (_, options) => {
    const push = () => new RedisRevocationPush(client(options));
    const [here, there] = await startListening(2, { push });
    const pair = await here.refresh.signIn('alice');
    await here.refresh.signOut(pair.refreshToken);
    await there.refusesWithin(450, pair);
    for (const address of await listening()) await admin.client('KILL', 'ADDR', address);
    await until(async () => (await listening()).length === 2);
    const next = await here.refresh.signIn('alice');
    await here.refresh.signOut(next.refreshToken);
    await there.refusesWithin(450, next);
  });

  it('comes back after CLIENT KILL, and then polls for what it has missed', async () => {
    const [here, there] = await startListening(2);
    const pair = await here.refresh.signIn('alice');
    for (const address of await listening()) await admin.client('KILL', 'ADDR', address);
    await here.refresh.signOut(pair.refreshToken);
    await there.refusesWithin(5_000, pair);
  });

  it('R-18 leaves the bound of a second as it is while Redis is away, and comes back by itself', async () => {
    const [here, there] = await startListening(2, { pollIntervalMs: 500 });
    await proxy.cut();
    const pair = await here.refresh.signIn('alice');
    await here.refresh.signOut(pair.refreshToken);
    await there.refusesWithin(1_000, pair);
    proxy = new Proxy();
    await proxy.open(port);
    await until(async () => (await listening()).length === 2);
  });

  it('lets the application start, and sign users out, while Redis is away', async () => {
    await proxy.cut();
    const [here, there] = await start(2, { pollIntervalMs: 500 });
    const pair = await here.refresh.signIn('alice');
    const startedAt = performance.now();
    await here.refresh.signOut(pair.refreshToken);
    expect(performance.now() - startedAt).toBeLessThan(500);
    await there.refusesWithin(1_000, pair);
  });

  it('R-18 leaves the bound as it is while Redis does not answer', async () => {
    const [here, there] = await startListening(2, { pollIntervalMs: 500 });
    proxy.passes = false;
    for (let n = 0; n < 2; n++) {
      const pair = await here.refresh.signIn('alice');
      await here.refresh.signOut(pair.refreshToken);
      await there.refusesWithin(1_000, pair);
    }
  });

  it('R-18 leaves it as it is when a third of the hints get lost', async () => {
    let announced = 0;
    class Lossy extends RedisRevocationPush {
      override async announce(realm: string): Promise<void> {
        if (announced++ % 3 !== 0) await super.announce(realm);
      }
    }
    const [here, there] = await startListening(2, { pollIntervalMs: 500, push: () => new Lossy(client()) });
    for (let n = 0; n < 3; n++) {
      const pair = await here.refresh.signIn('alice');
      await here.refresh.signOut(pair.refreshToken);
      await there.refusesWithin(1_000, pair);
    }
    expect(announced).toBe(3);
  });

  it('does not make a node poll more often than every 50 ms, however many hints come', async () => {
    const [here, there] = await startListening(2);
    const [channel = ''] = (await admin.pubsub('CHANNELS', 'nestjs-token:revoked:*')) as string[];
    await expectSteadyPolls(there, here, async () => {
      const startedAt = performance.now();
      for (let tick = 0; tick < 100; tick++) {
        const burst = admin.pipeline();
        for (let n = 0; n < 50; n++) burst.publish(channel, '');
        await burst.exec();
        await delay(Math.max(0, tick * 10 - (performance.now() - startedAt)));
      }
    });
  });

  it('names its channel by a hash, and stores nothing', async () => {
    const hints: string[] = [];
    const push = new RedisRevocationPush(client());
    const realms = ['default', 'DEFAULT', 'a*b?[c]\r\nFLUSHALL', 'é'.repeat(500), ''];
    const keys = await admin.dbsize();
    for (const realm of realms) await push.listen(realm, () => void hints.push(realm));
    for (const realm of realms) await push.announce(realm);
    await until(() => realms.every((realm) => hints.includes(realm)));
    expect(await admin.dbsize()).toBe(keys);
    await push.close();
  });

  it('rejects an announcement while Redis is away, instead of keeping it for later', async () => {
    const sender = client();
    const push = new RedisRevocationPush(sender);
    await until(() => sender.status === 'ready');
    await proxy.cut();
    await until(() => sender.status !== 'ready');
    await expect(push.announce('default')).rejects.toThrow('not connected');
  });

  it("closes its own connection and leaves the application's open", async () => {
    const sender = client();
    const push = new RedisRevocationPush(sender);
    await push.listen('default', () => undefined);
    await push.close();
    await push.close();
    await push.listen('default', () => undefined);
    await until(async () => (await listening()).length === 0);
    expect(await sender.ping()).toBe('PONG');
  });

  it.each([[undefined], [null], [{}], [{ publish: () => undefined }]])('refuses %p for a client', (given) => {
    expect(() => new RedisRevocationPush(given as never)).toThrow(TokenOptionsError);
  });
});
