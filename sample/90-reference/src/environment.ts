import { join } from 'node:path';
import type { AccessOptions, Duration, RefreshOptions, SessionsOptions, TransportMode } from 'nestjs-token';
import { parseDuration, TokenOptionsError } from 'nestjs-token';
import { readAccessKey } from './access-key.js';
import type { DatabaseLocation } from './database-location.js';
import { readDatabaseLocation } from './database-location.js';
import { EnvironmentError } from './environment-error.js';
import type { TlsFiles } from './tls-files.js';
import { readTlsFiles } from './tls-files.js';

/** The settings of the sample, read from the environment once and checked. */
export interface Environment {
  readonly port: number;
  readonly host: string;
  readonly httpAdapter: 'express' | 'fastify';
  readonly database: DatabaseLocation;
  /** If undefined, the sample creates a random secret and keeps it in a file. */
  readonly tokenSecret: string | undefined;
  /** The key that signs access tokens, in PEM. If undefined, the secret signs them, and no keys are published. */
  readonly accessKey: string | undefined;
  /** The service that may introspect. Without a secret, nobody may. */
  readonly client: { readonly id: string; readonly secret: string | undefined };
  readonly access: AccessOptions;
  readonly refresh: RefreshOptions;
  readonly sessions: SessionsOptions;
  readonly transport: TransportMode;
  /** Whether cookies also work over plain http, for development. */
  readonly insecureCookies: boolean;
  /** `auto` and `token` are modes of the option `csrf`, and `off` disables the protection. */
  readonly csrf: 'auto' | 'token' | 'off';
  /** If undefined, the application speaks plain http. */
  readonly tls: TlsFiles | undefined;
}

/** The SQLite file that is used without `DATABASE_URL`. It is in the folder of the sample. */
export const DEFAULT_FILE = join(import.meta.dirname, '..', 'data', 'reference.db');

/** Reads and checks all variables. @throws {EnvironmentError} that names the first variable that is wrong. */
export function readEnvironment(env: NodeJS.ProcessEnv): Environment {
  const text = (name: string): string | undefined => {
    if (env[name] === '') throw new EnvironmentError(name, 'is empty: give it a value or leave it out');
    return env[name];
  };
  const duration = (name: string): Duration | undefined => read(text(name), (value) => readDuration(name, value));
  requireNoBinding(text('BINDING'));
  return {
    port: readPort(text('PORT') ?? '3000'),
    host: text('HOST') ?? '127.0.0.1',
    httpAdapter: choice('HTTP_ADAPTER', text('HTTP_ADAPTER') ?? 'express', ['express', 'fastify']),
    database: read(text('DATABASE_URL'), readDatabaseLocation) ?? { type: 'better-sqlite3', file: DEFAULT_FILE },
    tokenSecret: text('TOKEN_SECRET'),
    accessKey: read(text('ACCESS_KEY'), readAccessKey),
    client: { id: text('CLIENT_ID') ?? 'reports', secret: text('CLIENT_SECRET') },
    access: given({ lifetime: duration('ACCESS_LIFETIME'), leeway: duration('ACCESS_LEEWAY') }),
    refresh: given({
      grace: duration('REFRESH_GRACE'),
      idleLifetime: duration('REFRESH_IDLE_LIFETIME'),
      absoluteLifetime: duration('REFRESH_ABSOLUTE_LIFETIME'),
      limit: read(text('REFRESH_LIMIT'), readLimit),
    }),
    sessions: given({ max: read(text('MAX_SESSIONS'), readMaximum) }),
    transport: choice('TOKEN_TRANSPORT', text('TOKEN_TRANSPORT') ?? 'header', ['header', 'cookie', 'mixed']),
    insecureCookies: choice('COOKIE_INSECURE', text('COOKIE_INSECURE') ?? 'false', ['true', 'false']) === 'true',
    csrf: choice('CSRF', text('CSRF') ?? 'auto', ['auto', 'token', 'off']),
    tls: readTlsFiles(text('TLS_CERT'), text('TLS_KEY')),
  };
}

/** The variable from which each option comes. */
const VARIABLES: Readonly<Record<string, string>> = {
  secret: 'TOKEN_SECRET',
  'clients[0].id': 'CLIENT_ID',
  'clients[0].secret': 'CLIENT_SECRET',
  'access.lifetime': 'ACCESS_LIFETIME',
  'access.leeway': 'ACCESS_LEEWAY',
  'refresh.grace': 'REFRESH_GRACE',
  'refresh.idleLifetime': 'REFRESH_IDLE_LIFETIME',
  'refresh.absoluteLifetime': 'REFRESH_ABSOLUTE_LIFETIME',
  'refresh.limit.max': 'REFRESH_LIMIT',
  'refresh.limit.per': 'REFRESH_LIMIT',
  'sessions.max': 'MAX_SESSIONS',
  'cookie.insecure': 'COOKIE_INSECURE',
};

/** Returns one line that says why the application did not start. */
export function explain(error: unknown): string {
  const variable = error instanceof TokenOptionsError ? VARIABLES[error.option] : undefined;
  const [line = ''] = (error instanceof Error ? error.message : String(error)).split('\n');
  return variable === undefined ? line : `${variable} (${line})`;
}

function readPort(value: string): number {
  const port = /^\d{1,5}$/.test(value) ? Number(value) : NaN;
  if (!(port <= 65_535)) throw new EnvironmentError('PORT', 'is not a port number from 0 to 65535');
  return port;
}

function choice<T extends string>(name: string, value: string, choices: readonly T[]): T {
  const chosen = choices.find((one) => one === value);
  if (chosen === undefined) throw new EnvironmentError(name, `is none of ${choices.join(', ')}`);
  return chosen;
}

/** Whoever asks for more protection than there is must learn of it. */
function requireNoBinding(value: string | undefined): void {
  if (value === undefined || value === 'off' || value === 'none') return;
  throw new EnvironmentError('BINDING', 'is neither off nor none: this version cannot bind sessions to devices yet');
}

function readMaximum(value: string): number {
  if (!/^[1-9]\d*$/.test(value)) throw new EnvironmentError('MAX_SESSIONS', 'is not a whole number greater than 0');
  return Number(value);
}

function readDuration(name: string, value: string): Duration {
  if (value === '0') return 0;
  try {
    parseDuration(value);
  } catch {
    throw new EnvironmentError(name, 'is neither 0 nor a whole number with a unit (ms, s, m, h or d), such as 15m');
  }
  return value as Duration;
}

function readLimit(value: string): { max: number; per: Duration } {
  const [, max, per] = /^(\d+)\/(.+)$/.exec(value) ?? [];
  if (max === undefined || per === undefined) throw new EnvironmentError('REFRESH_LIMIT', 'is not a number per duration, such as 60/1h');
  return { max: Number(max), per: readDuration('REFRESH_LIMIT', per) };
}

function read<T>(value: string | undefined, reader: (value: string) => T): T | undefined {
  return value === undefined ? undefined : reader(value);
}

/** Returns the members that have a value. The others keep their defaults. */
function given<T extends object>(members: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
