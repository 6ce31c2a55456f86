import type { LoggerService } from '@nestjs/common';
import { inspect } from 'node:util';

/** Keeps what is logged on every level. All applications of a process share one log, because Nest has only one. */
export class KeptLog implements LoggerService {
  private readonly lines: string[] = [];

  log = (...parts: unknown[]): void => this.keep(parts);
  error = (...parts: unknown[]): void => this.keep(parts);
  warn = (...parts: unknown[]): void => this.keep(parts);
  debug = (...parts: unknown[]): void => this.keep(parts);
  verbose = (...parts: unknown[]): void => this.keep(parts);

  /** How many session events of each type there were. */
  readonly events = new Map<string, number>();

  /** Keeps an event too, with everything that it tells. */
  event = (event: { readonly type: string }): void => {
    this.events.set(event.type, (this.events.get(event.type) ?? 0) + 1);
    this.keep([event]);
  };

  /** Returns what has been logged since the last call. */
  take(): string[] {
    return this.lines.splice(0);
  }

  private keep(parts: unknown[]): void {
    this.lines.push(parts.map((part) => (typeof part === 'string' ? part : inspect(part, { depth: 9 }))).join(' '));
  }
}
