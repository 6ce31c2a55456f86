import type { EntityMetadata } from 'typeorm';
import type { TokenSessionEntity } from './token-session.entity.js';

/** A statement and its parameters, in order. */
export interface Statement {
  readonly sql: string;
  readonly parameters: readonly unknown[];
}

/** A column, by the name of its property. */
export type Property = keyof TokenSessionEntity;

/** How one engine and one DataSource write names, parameters and the present instant. */
export interface SqlNotation {
  readonly metadata: EntityMetadata;
  /** Quotes an identifier. */
  readonly escape: (name: string) => string;
  /** The placeholder of the parameter with this index, from 0. */
  readonly placeholder: (index: number) => string;
  /** Expression: the store's clock, epoch milliseconds. */
  readonly now: () => string;
  /** Whether text compares loosely unless it is told to. */
  readonly looseText: boolean;
  readonly deleteLimit: 'limit' | 'subquery';
  /** Whether an index finds the rows behind `(a, b) > (1, 2)`. */
  readonly comparesRows: boolean;
}

/** Writes one statement: names are quoted, values are bound, never spliced. */
export class StatementWriter {
  readonly parameters: unknown[] = [];

  constructor(private readonly notation: SqlNotation) {}

  /** The table, as this DataSource names it. */
  get table(): string {
    const { metadata, escape } = this.notation;
    return metadata.tablePath.split('.').map(escape).join('.');
  }

  column(property: Property): string {
    const column = this.notation.metadata.findColumnWithPropertyName(property);
    return this.notation.escape(column?.databaseName ?? property);
  }

  bind(value: unknown): string {
    this.parameters.push(value);
    return this.notation.placeholder(this.parameters.length - 1);
  }

  is(property: Property, value: unknown): string {
    return `${this.column(property)} = ${this.bind(value)}`;
  }

  /** Text, to the letter: the plain comparison finds the index, the binary one tells cases and trailing spaces apart. */
  isText(property: 'realm' | 'subject', text: string): string {
    const plain = this.is(property, text);
    return this.notation.looseText ? `${plain} AND BINARY ${this.is(property, text)}` : plain;
  }

  set(assignments: Partial<Record<Property, string>>): string {
    return Object.entries(assignments)
      .map(([property, expression]) => `${this.column(property as Property)} = ${expression}`)
      .join(', ');
  }

  finish(sql: string): Statement {
    return { sql, parameters: this.parameters };
  }
}
