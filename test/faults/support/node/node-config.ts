/** How a process of the test application is set up: JSON, in the variable `NODE_SETUP`. */
export interface NodeConfig {
  /** TypeORM's options, without entities and migrations. */
  readonly dataSource: Readonly<Record<string, unknown>>;
  /** Options of the module, over issuer and secret: JSON only. */
  readonly options?: Readonly<Record<string, unknown>>;
  readonly adapter?: 'express' | 'fastify';
  /** Whether the hooks `loadUser` and `onEvent` are given. */
  readonly hooks?: boolean;
  /** Where Redis is, or what stands in front of it: revocations are pushed by it. */
  readonly redisPort?: number;
  /** Run on every connection before anything else (MariaDB). */
  readonly sessionSql?: string;
  /** The next release's entity has a column more, which may be null. */
  readonly release?: 'this' | 'next';
}
