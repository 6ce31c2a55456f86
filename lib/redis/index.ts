/**
 * Tells other nodes about revocations at once, through a Redis server.
 *
 * @packageDocumentation
 * @module nestjs-token/redis
 */
export { RedisRevocationPush } from './redis-revocation-push.js';
export type { RedisPublisher, RedisSubscriber } from './redis-revocation-push.js';
