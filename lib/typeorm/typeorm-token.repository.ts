import type { DataSource, EntityMetadata, QueryResult } from 'typeorm';
import type { RevokedFrom, RevokedPage, RotationTerms, SessionAdvance, StorePatience } from '../session/token-repository.js';
import { StoreConflict, TokenRepository } from '../session/token-repository.js';
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
import type { Statement } from './statement-writer.js';
import { SessionStatements } from './session-statements.js';
import type { SqlDialect } from './sql-dialect.js';
import { sqlDialectOf } from './sql-dialect.js';
import { StatementRunner } from './statement-runner.js';
import { checkTable } from './table-check.js';
import { TokenSessionEntity } from './token-session.entity.js';

/** How a repository deals with its database. */
export interface RepositorySettings {
  /** How long the database is waited for. @defaultValue 2 s for an answer, 2 s for a lock */
  patience?: StorePatience;
  /** For tests: replaces the database's clock; epoch milliseconds. @defaultValue the database's clock */
  now?: () => number;
}

interface PreparedStore {
  readonly statements: SessionStatements;
  readonly runner: StatementRunner;
}

const PATIENCE: StorePatience = { timeoutMs: 2_000, lockTimeoutMs: 2_000 };

/** Rows that one statement of `revokeAll` locks at most: few enough that a refresh of one of them need not wait for long. */
const REVOKED_AT_ONCE = 500;
/** How often one of its statements is made in all when it meets another one. */
const ATTEMPTS = 4;

type Row = Readonly<Record<string, unknown>>;

/**
 * Sessions in the application's own database. Every verb is one statement on a connection of its own, outside any transaction of the
 * application, on the primary. SQLite has one connection for all: give the module a DataSource of its own where the application keeps
 * transactions open.
 */
export class TypeOrmTokenRepository extends TokenRepository {
  private dialect: SqlDialect | undefined;
  private prepared: PreparedStore | undefined;

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
      this.prepared = undefined;
    } finally {
      await runner.release();
    }
  }

  override async insert(session: NewSession): Promise<SessionSnapshot> {
    const inserted = await this.change(session, this.statements().insert(session));
    if (!inserted) throw new Error('the inserted session cannot be read');
    return inserted;
  }

  override async rotate(key: SessionKey, position: RefreshTokenPosition, terms: RotationTerms): Promise<SessionSnapshot | null> {
    return this.change(key, this.statements().rotate(key, position, terms));
  }

  override async advance(key: SessionKey, from: RefreshTokenPosition, to: SessionAdvance): Promise<SessionSnapshot | null> {
    return this.change(key, this.statements().advance(key, from, to));
  }

  override async find(key: SessionKey): Promise<SessionSnapshot | null> {
    const [row] = await this.rows(this.statements().find(key));
    return row ? snapshotOf(row) : null;
  }

  override async list(owner: SessionOwner, page: SessionPage): Promise<readonly TokenSession[]> {
    return (await this.rows(this.statements().list(owner, page))).map((row) => snapshotOf(row).session);
  }

  override async revoke(key: SessionKey, reason: RevokeReason, only?: RefreshTokenPosition): Promise<boolean> {
    return (await this.execute(this.statements().revoke(key, reason, only))).affected === 1;
  }

  override async revokeAll(owner: SessionOwner, reason: RevokeReason, except?: string): Promise<readonly string[]> {
    const ended: string[] = [];
    let live: readonly string[] = [];
    do {
      live = idsOf(await this.rows(this.statements().liveIds(owner, { limit: REVOKED_AT_ONCE, after: live.at(-1), except })));
      if (live.length > 0) ended.push(...(await this.revokeThese(owner.realm, live, reason)));
    } while (live.length === REVOKED_AT_ONCE);
    return ended;
  }

  override async revokedSince(realm: string, from: RevokedFrom, limit: number): Promise<RevokedPage> {
    const rows = await this.rows(this.statements().revokedSince(realm, from, limit));
    const sessions = rows.map(({ id, revokedAt }) => ({ id: String(id), revokedAt: Number(revokedAt) }));
    return { sessions, at: rows[0] ? Number(rows[0]['readAt']) : null };
  }

  override async purge(realm: string, max: number): Promise<number> {
    return (await this.execute(this.statements().purge(realm, max))).affected ?? 0;
  }

  /**
   * Ends sessions in one statement, again where it conflicts with another: what earlier steps have ended must be reported.
   * An engine without RETURNING says only how many, so that a step which met a simultaneous call reports all of them.
   */
  private async revokeThese(realm: string, ids: readonly string[], reason: RevokeReason): Promise<readonly string[]> {
    const statement = this.statements().revokeThese(realm, ids, reason);
    for (let left = ATTEMPTS; ; left -= 1) {
      try {
        if (this.dialect?.returning) return idsOf(await this.rows(this.statements().returning(statement)));
        return (await this.execute(statement)).affected ? ids : [];
      } catch (error) {
        if (!(error instanceof StoreConflict) || left === 1) throw error;
      }
    }
  }

  /** Changes one session and gives it back: in the same statement where the engine can, with one look otherwise. */
  private async change(key: SessionKey, statement: Statement): Promise<SessionSnapshot | null> {
    if (!this.dialect?.returning) return (await this.execute(statement)).affected ? this.findChanged(key) : null;
    const [row] = await this.rows(this.statements().returning(statement));
    return row ? snapshotOf(row) : null;
  }

  /** The instant of the change, not of this look, dates what follows. */
  private async findChanged(key: SessionKey): Promise<SessionSnapshot | null> {
    const found = await this.find(key);
    return found && { ...found, at: Math.max(found.session.rotatedAt, found.session.lastUsedAt) };
  }

  private async rows(statement: Statement): Promise<readonly Row[]> {
    return (await this.execute(statement)).records as readonly Row[];
  }

  private async execute(statement: Statement): Promise<QueryResult> {
    return this.store().runner.run(statement);
  }

  private statements(): SessionStatements {
    return this.store().statements;
  }

  private store(): PreparedStore {
    return (this.prepared ??= this.prepare(this.metadata(), this.supportedDialect()));
  }

  private prepare(metadata: EntityMetadata, dialect: SqlDialect): PreparedStore {
    const { dataSource, settings } = this;
    const { driver } = dataSource;
    const statements = new SessionStatements({
      metadata,
      escape: (name) => driver.escape(name),
      placeholder: (index) => driver.createParameter('p', index),
      now: () => (settings.now ? String(settings.now()) : dialect.now),
      looseText: dialect.looseText,
      deleteLimit: dialect.deleteLimit,
      comparesRows: dialect.comparesRows,
    });
    return { statements, runner: new StatementRunner(dataSource, dialect, settings.patience ?? PATIENCE) };
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

function idsOf(rows: readonly Row[]): string[] {
  return rows.map(({ id }) => String(id));
}

/** A raw row, whatever the driver makes of 64-bit integers and JSON. */
function snapshotOf(row: Row): SessionSnapshot {
  const { readAt, ...columns } = row;
  const session = { ...columns, claims: parsed(row['claims']), data: parsed(row['data']) } as Record<string, unknown>;
  for (const name of INSTANTS) session[name] = session[name] === null ? null : Number(session[name]);
  return { session: session as unknown as TokenSession, at: Number(readAt) };
}

const INSTANTS = [
  'rotatedAt',
  'createdAt',
  'lastUsedAt',
  'idleExpiresAt',
  'absoluteExpiresAt',
  'revokedAt',
  'windowStartedAt',
  'authTime',
] as const;

function parsed(json: unknown): unknown {
  return typeof json === 'string' ? JSON.parse(json) : json;
}
