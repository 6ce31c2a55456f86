import { Redis } from 'ioredis';
import { RedisRevocationPush } from 'nestjs-token/redis';

const redis = new Redis(Number(process.argv[2]), '127.0.0.1');
const push = new RedisRevocationPush(redis);
await push.listen('default', () => undefined);
// Closes the client of its own, and forgets the channel.
await redis.quit();
