import type { ValueTransformer } from 'typeorm';
import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import type { RevokeReason, TokenSession } from '../session/token-session.js';

/** Transforms milliseconds in a 64-bit integer, because the drivers of PostgreSQL and MariaDB return them as text. */
const INSTANT: ValueTransformer = {
  to: (value: number | null) => value,
  from: (value: string | number | null) => (value === null ? null : Number(value)),
};

/**
 * The table of sessions. Each sign-in is one row, no matter how often it is refreshed. It holds no token and no key, and a copy of it
 * yields none. Give it to a DataSource by `autoLoadEntities: true` or in `entities`.
 */
@Entity({ name: 'token_session' })
@Index('IDX_token_session_live', ['realm', 'subject', 'revokedAt'])
@Index('IDX_token_session_revoked', ['realm', 'revokedAt', 'id'])
@Index('IDX_token_session_access', ['realm', 'accessRevokedAt'])
@Index('IDX_token_session_expiry', ['absoluteExpiresAt'])
export class TokenSessionEntity implements TokenSession {
  @PrimaryColumn({ type: 'varchar', length: 36 })
  id!: string;

  @Column({ type: 'varchar', length: 64 })
  realm!: string;

  @Column({ type: 'varchar', length: 255 })
  subject!: string;

  @Column({ type: 'int' })
  generation!: number;

  @Column({ type: 'smallint' })
  branch!: number;

  @Column({ type: 'smallint' })
  parentBranch!: number;

  @Column({ type: 'bigint', transformer: INSTANT })
  rotatedAt!: number;

  @Column({ type: 'bigint', transformer: INSTANT })
  createdAt!: number;

  @Column({ type: 'bigint', transformer: INSTANT })
  lastUsedAt!: number;

  @Column({ type: 'bigint', transformer: INSTANT })
  idleExpiresAt!: number;

  @Column({ type: 'bigint', transformer: INSTANT })
  absoluteExpiresAt!: number;

  @Column({ type: 'bigint', transformer: INSTANT, nullable: true })
  revokedAt!: number | null;

  @Column({ type: 'varchar', length: 16, nullable: true })
  revokeReason!: RevokeReason | null;

  @Column({ type: 'int' })
  windowCount!: number;

  @Column({ type: 'bigint', transformer: INSTANT })
  windowStartedAt!: number;

  @Column({ type: 'bigint', transformer: INSTANT })
  authTime!: number;

  @Column({ type: 'simple-json' })
  claims!: Record<string, unknown>;

  @Column({ type: 'varchar', length: 255, nullable: true })
  ip!: string | null;

  @Column({ type: 'varchar', length: 255, nullable: true })
  userAgent!: string | null;

  @Column({ type: 'varchar', length: 255, nullable: true })
  label!: string | null;

  @Column({ type: 'simple-json', nullable: true })
  data!: Record<string, unknown> | null;

  @Column({ type: 'bigint', transformer: INSTANT, nullable: true })
  ownIdleMs!: number | null;

  @Column({ type: 'varchar', length: 1024, nullable: true })
  boundKey!: string | null;

  @Column({ type: 'bigint', transformer: INSTANT, nullable: true })
  accessRevokedAt!: number | null;
}
