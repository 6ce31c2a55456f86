/** How a process of the test application is set up: JSON, in the variable `NODE_SETUP`. */
export interface NodeConfig {
  /** TypeORM's options, without entities and migrations. */
  readonly dataSource: Readonly<Record<string, unknown>>;
  /** Options of the module, over issuer and secret: JSON only. */
  readonly options?: Readonly<Record<string, unknown>>;
  /** `http2`: Fastify over cleartext HTTP/2, and the controls on a port of their own. */
  readonly adapter?: 'express' | 'fastify' | 'http2';
  /** Whether the hook `loadUser` is given. */
  readonly hooks?: boolean;
  /** Whether the hook `claims` is given. */
  readonly claimsHook?: boolean;
  /** Where Redis is, or what stands in front of it: revocations are pushed by it. */
  readonly redisPort?: number;
  /** Run on every connection before anything else (MariaDB). */
  readonly sessionSql?: string;
  /** The next release's entity has a column more, which may be null. */
  readonly release?: 'this' | 'next';
}
