/**
 * Keeps the sessions of nestjs-token in a TypeORM DataSource: the entity, its migrations, the repository, and the push channel of
 * PostgreSQL.
 *
 * @packageDocumentation
 * @module nestjs-token/typeorm
 */
export { TokenSessionEntity } from './token-session.entity.js';
export { TypeOrmTokenRepository } from './typeorm-token.repository.js';
export type { RepositorySettings } from './typeorm-token.repository.js';
export { SESSION_MIGRATIONS } from './migrations/index.js';
export { PostgresRevocationPush } from './postgres-revocation-push.js';
