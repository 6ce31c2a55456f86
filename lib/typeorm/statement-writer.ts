import type { EntityMetadata } from 'typeorm';
import type { TokenSessionEntity } from './token-session.entity.js';

/** A statement and its parameters, in order. */
export interface Statement {
  readonly sql: string;
  readonly parameters: readonly unknown[];
}

/** A column, by the name of its property. */
export type Property = keyof TokenSessionEntity;

/** The notation in which one engine and one DataSource write names, parameters and the present instant. */
export interface SqlNotation {
  readonly metadata: EntityMetadata;
  /** Quotes an identifier. */
  readonly escape: (name: string) => string;
  /** The placeholder of the parameter with this index, from 0. */
  readonly placeholder: (index: number) => string;
  /** An expression for the store's clock, in epoch milliseconds. If it is null, the instant is a parameter in the slot {@link NOW}. */
  readonly now: string | null;
  /** Makes a 64-bit integer of a placeholder. */
  readonly integer: (placeholder: string) => string;
  /** Whether text is compared loosely unless the statement says otherwise. */
  readonly looseText: boolean;
}

/** The slot of the present instant, used if the database's clock is replaced. */
export const NOW = 'now';

/**
 * Writes the text of one statement. Names are quoted. Values are never part of the text. Each value has a slot, which is a name under which
 * the value is given later.
 */
export class StatementWriter {
  /** The slots in the order of the parameters. */
  readonly slots: string[] = [];

  constructor(private readonly notation: SqlNotation) {}

  /** The table, under the name that this DataSource gives it. */
  get table(): string {
    const { metadata, escape } = this.notation;
    return metadata.tablePath.split('.').map(escape).join('.');
  }

  /** An expression for the store's clock, in epoch milliseconds. */
  get now(): string {
    return this.notation.now ?? this.notation.integer(this.value(NOW));
  }

  column(property: Property): string {
    const column = this.notation.metadata.findColumnWithPropertyName(property);
    return this.notation.escape(column?.databaseName ?? property);
  }

  /**
   * Returns the placeholder of a slot. A numbered placeholder can appear again for the same slot. Other placeholders need another
   * parameter.
   */
  value(slot: string): string {
    const { placeholder } = this.notation;
    const known = placeholder(0) === placeholder(1) ? -1 : this.slots.indexOf(slot);
    return placeholder(known >= 0 ? known : this.slots.push(slot) - 1);
  }

  is(property: Property, slot: string = property): string {
    return `${this.column(property)} = ${this.value(slot)}`;
  }

  /** Compares text exactly. The plain comparison finds the index, and the binary one distinguishes case and trailing spaces. */
  isText(property: 'realm' | 'subject' | 'boundKey', slot: string = property): string {
    const plain = this.is(property, slot);
    return this.notation.looseText ? `${plain} AND BINARY ${this.is(property, slot)}` : plain;
  }

  set(assignments: Partial<Record<Property, string>>): string {
    return Object.entries(assignments)
      .map(([property, expression]) => `${this.column(property as Property)} = ${expression}`)
      .join(', ');
  }
}
