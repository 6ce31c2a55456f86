import { createHash } from 'node:crypto';
import type { SqlDialect } from './sql-dialect.js';
import type { Property, SqlNotation, Statement } from './statement-writer.js';
import { NOW, StatementWriter } from './statement-writer.js';

/** A statement that can be run. */
export interface SessionStatement extends Statement {
  /** Under which name it may be prepared, the same for the same text. Null: it is run as it is, because it is rare or differs every time. */
  readonly name: string | null;
  /** Whether it only reads. */
  readonly reads: boolean;
}

/** The values of a statement by slot. */
export type SlotValues = Readonly<Record<string, unknown>>;

/** What statements are composed for. */
export interface ComposerSettings extends SqlNotation {
  readonly dialect: SqlDialect;
  /** How long the server lets a statement wait for a lock, milliseconds. */
  readonly lockTimeoutMs: number;
  /** Replaces the database's clock where `now` is null; epoch milliseconds. */
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
   * A statement that is worth preparing.
   * @param shape a word for everything that the text depends on: the same for the same text.
   */
  prepared(shape: string, values: SlotValues, compose: (q: StatementWriter) => string): SessionStatement {
    const template = this.template(shape, compose);
    return this.fill(template, values);
  }

  /** A statement with the text of a shape that is not prepared. */
  plain(shape: string, values: SlotValues, compose: (q: StatementWriter) => string): SessionStatement {
    return { ...this.prepared(shape, values, compose), name: null };
  }

  /** A statement whose text is used once. */
  once(values: SlotValues, compose: (q: StatementWriter) => string): SessionStatement {
    return { ...this.fill(this.compose(compose), values), name: null };
  }

  /** Every column of a session, and the store's instant as `readAt`. */
  columns(q: StatementWriter): string {
    const { metadata, escape } = this.settings;
    const columns = metadata.columns.map(({ propertyName }) => `${q.column(propertyName as Property)} AS ${escape(propertyName)}`);
    return [...columns, `${q.now} AS ${escape('readAt')}`].join(', ');
  }

  /** What an INSERT or UPDATE gives back where the engine can. */
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

/** A prepared statement is known by its name on its connection, which other repositories may use as well. */
function nameOf(sql: string): string {
  return `nestjs-token:${createHash('sha256').update(sql).digest('base64url').slice(0, 20)}`;
}
