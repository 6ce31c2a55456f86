import type { LoggerService } from '@nestjs/common';
import type { Logger as TypeOrmLogger } from 'typeorm';
import { inspect } from 'node:util';

/** Keeps everything that Nest logs, on every level. */
export class CapturedLog implements LoggerService {
  readonly lines: string[] = [];

  log = (...parts: unknown[]): void => this.add('log', parts);
  error = (...parts: unknown[]): void => this.add('error', parts);
  warn = (...parts: unknown[]): void => this.add('warn', parts);
  debug = (...parts: unknown[]): void => this.add('debug', parts);
  verbose = (...parts: unknown[]): void => this.add('verbose', parts);
  fatal = (...parts: unknown[]): void => this.add('fatal', parts);

  /** Returns the lines of one level. */
  of(level: string): string[] {
    return this.lines.filter((line) => line.startsWith(`${level} `));
  }

  private add(level: string, parts: unknown[]): void {
    this.lines.push(`${level} ${parts.map((part) => (typeof part === 'string' ? part : inspect(part, { depth: 9 }))).join(' ')}`);
  }
}

/** Keeps everything that TypeORM logs with `logging: 'all'`: statements with their parameters, errors, and slow statements. */
export class CapturedQueries implements TypeOrmLogger {
  readonly lines: string[] = [];

  logQuery = (query: string, parameters?: unknown[]): void => this.add(query, parameters);
  logQueryError = (error: string | Error, query: string, parameters?: unknown[]): void => this.add(error, query, parameters);
  logQuerySlow = (time: number, query: string, parameters?: unknown[]): void => this.add(time, query, parameters);
  logSchemaBuild = (message: string): void => this.add(message);
  logMigration = (message: string): void => this.add(message);
  log = (level: string, message: unknown): void => this.add(level, message);

  private add(...parts: unknown[]): void {
    this.lines.push(inspect(parts, { depth: 9, maxStringLength: null }));
  }
}
