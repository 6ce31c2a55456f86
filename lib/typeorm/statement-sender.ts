import { Logger } from '@nestjs/common';
import type { DataSource, QueryRunner } from 'typeorm';
import { QueryFailedError } from 'typeorm';
import type { NamedStatement, PreparedQueries, StatementResult } from './prepared-queries.js';
import type { SessionStatement } from './statement-composer.js';

/** The connection over which a statement is sent, and its time limit. */
export interface Channel {
  readonly runner: QueryRunner;
  /** The connection of the runner, as the driver knows it. */
  readonly connection: object;
  /**
   * Requires that somebody still waits for the statement.
   * @throws {Error} if nobody does.
   */
  readonly requireTime: () => void;
}

const FALLBACK =
  'the database or a pooler before it does not keep prepared statements, so sessions go on without them: set preparedStatements: false (docs/operations.md)';

/** Sends statements over the connection of a query runner, prepared by name if that is possible. */
export class StatementSender {
  private readonly logger = new Logger('TokenModule');
  /** A part of the names. It changes after the table has changed, so that every connection prepares anew. */
  private edition = 0;

  /** @param prepared runs prepared statements. If it is null, TypeORM sends every statement as plain text. */
  constructor(
    private readonly dataSource: DataSource,
    private prepared: PreparedQueries | null,
  ) {}

  async send(statement: SessionStatement, channel: Channel): Promise<StatementResult> {
    const { prepared } = this;
    if (!prepared || statement.name === null || !prepared.supports(channel.connection) || this.hasListeners)
      return this.sendPlain(statement, channel);
    const name = this.edition === 0 ? statement.name : `${statement.name}:${this.edition}`;
    const { sql, parameters } = statement;
    try {
      return await this.sendNamed({ name, sql, parameters }, channel, prepared);
    } catch (error) {
      const refusal = prepared.refusalOf(error);
      if (refusal === null) throw error;
      if (refusal === 'outdated') this.edition += 1;
      else this.giveUpPreparing();
      channel.requireTime();
      return this.sendPlain(statement, channel);
    }
  }

  /** Whether TypeORM has subscribers. They hear of statements only if TypeORM sends them itself. */
  private get hasListeners(): boolean {
    const { subscribers } = this.dataSource;
    return subscribers.length > 0 && subscribers.some((subscriber) => 'beforeQuery' in subscriber || 'afterQuery' in subscriber);
  }

  private async sendPlain({ sql, parameters }: SessionStatement, { runner }: Channel): Promise<StatementResult> {
    const { records, affected } = await runner.query(sql, [...parameters], true);
    return { records, affected };
  }

  /** Sends a prepared statement. Logs and throws as TypeORM does. */
  private async sendNamed(statement: NamedStatement, { runner, connection }: Channel, prepared: PreparedQueries): Promise<StatementResult> {
    const { logger, options } = this.dataSource;
    const { sql } = statement;
    const parameters = [...statement.parameters];
    const startedAt = Date.now();
    logger.logQuery(sql, parameters, runner);
    try {
      const result = await prepared.run(connection, statement);
      const tookMs = Date.now() - startedAt;
      if (options.maxQueryExecutionTime && tookMs > options.maxQueryExecutionTime) logger.logQuerySlow(tookMs, sql, parameters, runner);
      return result;
    } catch (error) {
      logger.logQueryError(error as Error, sql, parameters, runner);
      throw new QueryFailedError(sql, parameters, error as Error);
    }
  }

  private giveUpPreparing(): void {
    if (this.prepared) this.logger.warn(FALLBACK);
    this.prepared = null;
  }
}
