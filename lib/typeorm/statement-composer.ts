import { createHash } from 'node:crypto';
import type { SqlDialect } from './sql-dialect.js';
import type { Property, SqlNotation, Statement } from './statement-writer.js';
import { NOW, StatementWriter } from './statement-writer.js';

/** A statement that can be run. */
export interface SessionStatement extends Statement {
  /**
   * The name under which it may be prepared. It is the same for the same text. Null if the statement is not prepared, because it is rare or
   * different every time.
   */
  readonly name: string | null;
  /** Whether the statement only reads. */
  readonly reads: boolean;
}

/** The values of a statement by slot. */
export type SlotValues = Readonly<Record<string, unknown>>;

/** The settings with which statements are composed. */
export interface ComposerSettings extends SqlNotation {
  readonly dialect: SqlDialect;
  /** How long the server lets a statement wait for a lock, in milliseconds. */
  readonly lockTimeoutMs: number;
  /** Replaces the database's clock if `now` is null. In epoch milliseconds. */
  readonly clock: () => number;
}

interface Template extends Omit<SessionStatement, 'parameters'> {
  readonly slots: readonly string[];
}

/** Composes each statement once, and gives it its values at every call. */
export class StatementComposer {
  private readonly templates = new Map<string, Template>();

  constructor(readonly settings: ComposerSettings) {}

  /**
   * Returns a statement that is worth preparing.
   * @param shape a text for everything that the statement depends on. It is the same for the same text of the statement.
   */
  prepared(shape: string, values: SlotValues, compose: (q: StatementWriter) => string): SessionStatement {
    const template = this.template(shape, compose);
    return this.fill(template, values);
  }

  /** Returns a statement whose text is kept for its shape, but which is not prepared. */
  plain(shape: string, values: SlotValues, compose: (q: StatementWriter) => string): SessionStatement {
    return { ...this.prepared(shape, values, compose), name: null };
  }

  /** Returns a statement whose text is used once. */
  once(values: SlotValues, compose: (q: StatementWriter) => string): SessionStatement {
    return { ...this.fill(this.compose(compose), values), name: null };
  }

  /** Returns every column of a session, and the store's instant as `readAt`. */
  columns(q: StatementWriter): string {
    const { metadata, escape } = this.settings;
    const columns = metadata.columns.map(({ propertyName }) => `${q.column(propertyName as Property)} AS ${escape(propertyName)}`);
    return [...columns, `${q.now} AS ${escape('readAt')}`].join(', ');
  }

  /** Returns the part that makes an INSERT or UPDATE return its rows, if the engine can do that. */
  returning(q: StatementWriter): string {
    return this.settings.dialect.returning ? ` RETURNING ${this.columns(q)}` : '';
  }

  private template(shape: string, compose: (q: StatementWriter) => string): Template {
    const known = this.templates.get(shape);
    if (known) return known;
    const template = this.compose(compose);
    this.templates.set(shape, template);
    return template;
  }

  private compose(compose: (q: StatementWriter) => string): Template {
    const { dialect, lockTimeoutMs } = this.settings;
    const writer = new StatementWriter(this.settings);
    const text = compose(writer);
    const sql = dialect.bounded(text, lockTimeoutMs);
    return { sql, slots: writer.slots, name: nameOf(sql), reads: text.startsWith('SELECT ') };
  }

  private fill({ sql, slots, name, reads }: Template, values: SlotValues): SessionStatement {
    const instant = slots.includes(NOW) ? this.settings.clock() : 0;
    return { sql, name, reads, parameters: slots.map((slot) => (slot === NOW ? instant : values[slot])) };
  }
}

/** Conditions that several statements share. */
export const isAlive = (q: StatementWriter): string =>
  `${q.column('absoluteExpiresAt')} > ${q.now} AND ${q.column('idleExpiresAt')} > ${q.now}`;

/** Returns the name of a prepared statement. It is known by that name on its connection, which other repositories may use as well. */
function nameOf(sql: string): string {
  return `nestjs-token:${createHash('sha256').update(sql).digest('base64url').slice(0, 20)}`;
}
