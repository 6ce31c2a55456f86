import type { DataSource, EntityMetadata } from 'typeorm';
import type {
  InsertedSession,
  RevokeCondition,
  RevokedFrom,
  RevokedPage,
  RotationConditions,
  SessionAdvance,
  SessionLimit,
  SessionPatch,
  StorePatience,
} from '../session/token-repository.js';
import { TokenRepository } from '../session/token-repository.js';
import type {
  NewSession,
  RefreshTokenPosition,
  RevokeReason,
  SessionKey,
  SessionOwner,
  SessionPage,
  SessionSnapshot,
  TokenSession,
} from '../session/token-session.js';
import { TokenOptionsError } from '../errors/token.errors.js';
import { revokedSessionOf, snapshotOf } from './session-row.js';
import { SessionStore } from './session-store.js';
import type { SqlDialect } from './sql-dialect.js';
import { sqlDialectOf } from './sql-dialect.js';
import { StatementComposer } from './statement-composer.js';
import { StatementRunner } from './statement-runner.js';
import { checkTable } from './table-check.js';
import { TokenSessionEntity } from './token-session.entity.js';

/** Settings of a repository. */
export interface RepositorySettings {
  /** How long the database is waited for. @defaultValue 2 s for a response, 2 s for a lock */
  patience?: StorePatience;
  /**
   * Whether the statements of a refresh are prepared once per connection, instead of being parsed and planned every time. PostgreSQL keeps
   * them by name, and MariaDB and MySQL keep them in the driver's cache. SQLite always keeps them. Set it to `false` for a pooler that
   * gives every transaction another connection and does not know prepared statements (PgBouncer before 1.21). @defaultValue true
   */
  preparedStatements?: boolean;
  /** Replaces the database's clock in tests. In epoch milliseconds. @defaultValue the database's clock */
  now?: () => number;
}

/** Where a session begins. */
const FIRST: RefreshTokenPosition = { generation: 0, branch: 0 };
const PATIENCE: StorePatience = { timeoutMs: 2_000, lockTimeoutMs: 2_000 };

/**
 * Keeps sessions in the application's own database. Every method except those that end many sessions is one statement on a connection of
 * its own, outside any transaction of the application, on the primary. SQLite has one connection for all statements, so give the module a
 * DataSource of its own if the application keeps transactions open.
 */
export class TypeOrmTokenRepository extends TokenRepository {
  private dialect: SqlDialect | undefined;
  private opened: SessionStore | undefined;

  constructor(
    private readonly dataSource: DataSource,
    private readonly settings: RepositorySettings = {},
  ) {
    super();
    this.dialect = sqlDialectOf(dataSource.options.type);
  }

  override async check(): Promise<void> {
    const dialect = this.supportedDialect();
    const metadata = this.metadata();
    const runner = this.dataSource.createQueryRunner('master');
    try {
      await checkTable(runner, { metadata, driver: this.dataSource.driver, catalogue: dialect.catalogue });
      this.dialect = await dialect.adapt((sql) => runner.query(sql));
      this.opened = undefined;
    } finally {
      await runner.release();
    }
  }

  override async insert(session: NewSession, limit: SessionLimit = { keep: null }): Promise<InsertedSession> {
    const inserted = await this.store.change(session, FIRST, ({ one }) => one.insert(session));
    if (!inserted) throw new Error('the inserted session cannot be read');
    return { ...inserted, ended: limit.keep === null ? [] : await this.store.endBeyond(session, limit) };
  }

  override async rotate(key: SessionKey, position: RefreshTokenPosition, terms: RotationConditions): Promise<SessionSnapshot | null> {
    return this.store.change(key, { generation: position.generation + 1, branch: 0 }, ({ one }) => one.rotate(key, position, terms));
  }

  override async advance(key: SessionKey, from: RefreshTokenPosition, to: SessionAdvance): Promise<SessionSnapshot | null> {
    return this.store.change(key, to, ({ one }) => one.advance(key, from, to));
  }

  override async find(key: SessionKey): Promise<SessionSnapshot | null> {
    return this.store.find(key);
  }

  override async list(owner: SessionOwner, page: SessionPage): Promise<readonly TokenSession[]> {
    return (await this.store.rows(({ many }) => many.list(owner, page))).map((row) => snapshotOf(row).session);
  }

  override async update(key: SessionKey, patch: SessionPatch): Promise<boolean> {
    return this.store.hits(({ one }) => one.update(key, patch));
  }

  override async bind(key: SessionKey, boundKey: string): Promise<boolean> {
    return this.store.hits(({ one }) => one.bind(key, boundKey));
  }

  override async revoke(key: SessionKey, reason: RevokeReason, condition: RevokeCondition = {}): Promise<boolean> {
    return this.store.hits(({ one }) => one.revoke(key, reason, condition));
  }

  override async revokeAll(owner: SessionOwner, reason: RevokeReason, except?: string): Promise<readonly string[]> {
    return this.store.endAll(owner, reason, except);
  }

  override async revokedSince(realm: string, from: RevokedFrom, limit: number): Promise<RevokedPage> {
    const rows = await this.store.rows(({ many }) => many.revokedSince(realm, from, limit));
    const sessions = rows.map(revokedSessionOf);
    return { sessions, at: rows[0] ? Number(rows[0]['readAt']) : null };
  }

  override async purge(realm: string, max: number): Promise<number> {
    return this.store.count(({ many }) => many.purge(realm, max));
  }

  private get store(): SessionStore {
    return (this.opened ??= this.open(this.metadata(), this.supportedDialect()));
  }

  private open(metadata: EntityMetadata, dialect: SqlDialect): SessionStore {
    const { dataSource, settings } = this;
    const { driver } = dataSource;
    const { patience = PATIENCE, preparedStatements: prepares = true, now: clock } = settings;
    const composer = new StatementComposer({
      metadata,
      dialect,
      lockTimeoutMs: patience.lockTimeoutMs,
      escape: (name) => driver.escape(name),
      placeholder: (index) => driver.createParameter('p', index),
      now: clock ? null : dialect.now,
      clock: clock ?? (() => 0),
      integer: dialect.integer,
      looseText: dialect.looseText,
    });
    return new SessionStore(composer, new StatementRunner(dataSource, dialect, { patience, prepares }));
  }

  private supportedDialect(): SqlDialect {
    const { type } = this.dataSource.options;
    if (!this.dialect) throw new TokenOptionsError('dataSource', `${type} is not supported; give a \`repository\` of your own`);
    return this.dialect;
  }

  private metadata(): EntityMetadata {
    if (!this.dataSource.hasMetadata(TokenSessionEntity)) {
      throw new TokenOptionsError(
        'dataSource',
        'TokenSessionEntity is not registered: set autoLoadEntities: true, or add it to `entities`',
      );
    }
    return this.dataSource.getMetadata(TokenSessionEntity);
  }
}
