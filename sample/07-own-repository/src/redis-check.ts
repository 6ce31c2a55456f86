import { Logger } from '@nestjs/common';
import type { Redis } from 'ioredis';
import { TokenOptionsError } from 'nestjs-token';

/**
 * Checks at start-up that Redis keeps what it is given.
 * @throws {TokenOptionsError} rejects with it if Redis may delete sessions when its memory is full.
 */
export async function checkRedis(redis: Redis): Promise<void> {
  const info = await redis.info();
  const [major = 0] = (valueOf(info, 'redis_version') ?? '').split('.').map(Number);
  if (major < 5) throw new TokenOptionsError('repository', 'needs Redis 5 or later, because older scripts cannot write after TIME');
  const policy = valueOf(info, 'maxmemory_policy') ?? 'noeviction';
  if (valueOf(info, 'maxmemory') !== '0' && policy !== 'noeviction') {
    throw new TokenOptionsError('repository', `Redis may delete sessions (maxmemory-policy ${policy}): set it to noeviction`);
  }
  if (valueOf(info, 'aof_enabled') === '0') {
    new Logger('RedisTokenRepository').warn('Redis does not keep an append-only file: a restart of Redis signs everybody out');
  }
}

function valueOf(info: string, name: string): string | undefined {
  return new RegExp(`^${name}:(.*)\r$`, 'm').exec(info)?.[1];
}
