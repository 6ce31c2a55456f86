import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { tokenRepositoryContract } from 'nestjs-token/testing';
import { randomUUID } from 'node:crypto';
import { RedisTokenRepository } from '../../sample/07-own-repository/src/redis-token.repository.js';
import { describeWith, REDIS_PORT } from '../support/needs.js';

const describeHere = await describeWith('redis');

describeHere('the repository of sample/07-own-repository', () => {
  const prefix = `nestjs-token-test-${randomUUID()}`;
  let redis: Redis;
  let repository: RedisTokenRepository;
  beforeAll(() => {
    redis = new Redis(REDIS_PORT, '127.0.0.1', { maxRetriesPerRequest: 1 });
    repository = new RedisTokenRepository(redis, prefix);
  });
  afterAll(async () => {
    const keys = await keysOf(redis, prefix);
    for (let start = 0; start < keys.length; start += 1_000) await redis.unlink(keys.slice(start, start + 1_000));
    redis.disconnect();
  });

  const session = { realm: 'default', subject: 'alice', idleMs: 60_000, absoluteMs: 3_600_000, claims: {}, device: {} };
  const newSession = (subject: string) => ({ ...session, subject, id: randomUUID() });

  describe('passes the contract', () => {
    for (const { title, run } of tokenRepositoryContract({ create: async () => ({ repository }) })) it(title, run);
  });

  it('lets Redis delete a session a day after its absolute expiry, when no access token of it is left', async () => {
    const { session: stored } = await repository.insert(newSession('ttl'));
    const expiry = await redis.call('PEXPIRETIME', `${prefix}:{default}:session:${stored.id}`);
    expect(expiry).toBe(stored.absoluteExpiresAt + 86_400_000);
  });

  it('keeps empty lists, nested nulls and fractions of claims and data as they are', async () => {
    const claims = { list: [], none: null, deep: [{ a: 0.1, b: {} }], text: 'ä\u0000"' };
    const { session: stored } = await repository.insert({ ...newSession('claims'), claims, data: claims });
    expect([stored.claims, stored.data]).toEqual([claims, claims]);
    expect((await repository.find(stored))?.session).toEqual(stored);
  });

  it('leaves no key behind when the last session of an instance is purged, but for what belongs to nobody', async () => {
    const realm = 'purged';
    for (let count = 0; count < 3; count++) await repository.insert({ ...newSession('bob'), realm, absoluteMs: 1, idleMs: 1 });
    await repository.revokeAll({ realm, subject: 'bob' }, 'admin');
    let purged = 0;
    while (purged < 3) purged += await repository.purge(realm, 2);
    expect(await keysOf(redis, `${prefix}:{${realm}}`)).toEqual([]);
  });

  it('ends thousands of sessions in steps, but for the one that is to stay', async () => {
    const inserted = await Promise.all(Array.from({ length: 2_500 }, () => repository.insert(newSession('many'))));
    const [kept] = inserted;
    const ended = await repository.revokeAll({ realm: 'default', subject: 'many' }, 'password', kept!.session.id);
    expect(new Set(ended).size).toBe(2_499);
    expect((await repository.list({ realm: 'default', subject: 'many' }, { limit: 10 })).map(({ id }) => id)).toEqual([kept!.session.id]);
  });

  it('rejects when Redis cannot be reached, which is 503 and no verdict', async () => {
    const away = redis.duplicate({ lazyConnect: true, enableOfflineQueue: false });
    await expect(new RedisTokenRepository(away, prefix).find({ realm: 'default', id: 'x' })).rejects.toThrow();
    away.disconnect();
  });
});

/** Finds keys without stopping the server. */
async function keysOf(redis: Redis, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const page of redis.scanStream({ match: `${prefix.replace(/[[\]{}*?\\]/g, '\\$&')}*`, count: 1_000 }))
    keys.push(...(page as string[]));
  return keys;
}
