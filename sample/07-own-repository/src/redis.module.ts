import { Global, Inject, Injectable, Module, type OnApplicationShutdown } from '@nestjs/common';
import { Redis } from 'ioredis';

/**
 * If Redis does not respond, requests that need it get 503 soon, and clients keep their tokens. A command whose response was lost is not
 * sent again: the client repeats its request, and the repetition finds out what has happened.
 */
export function connectRedis(url = process.env.REDIS_URL ?? 'redis://127.0.0.1:6379'): Redis {
  return new Redis(url, { commandTimeout: 2_000, maxRetriesPerRequest: 1, autoResendUnfulfilledCommands: false });
}

@Injectable()
class RedisConnection implements OnApplicationShutdown {
  constructor(@Inject(Redis) private readonly redis: Redis) {}

  onApplicationShutdown(): void {
    this.redis.disconnect();
  }
}

/** The connection, for the whole application. */
@Global()
@Module({
  providers: [
    { provide: Redis, useFactory: () => connectRedis() },
    { provide: 'REDIS_PREFIX', useValue: process.env.REDIS_PREFIX ?? 'own-repository' },
    RedisConnection,
  ],
  exports: [Redis, 'REDIS_PREFIX'],
})
export class RedisModule {}
