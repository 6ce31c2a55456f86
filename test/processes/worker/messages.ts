import type { DataSourceOptions } from 'typeorm';
import type { TokenModuleOptions } from 'nestjs-token';

/** What a process is told when it is started; JSON. */
export interface WorkerSetup {
  /** Without entities and migrations: classes do not travel. */
  readonly dataSource: DataSourceOptions;
  /** Put on every new connection before its first statement (MariaDB, which takes no settings when it is connected to). */
  readonly onConnection: readonly string[];
  /** How far the clock of the process is off, milliseconds. */
  readonly skewMs: number;
  /** Sessions only, or an application that listens. */
  readonly serves: 'sessions' | 'http';
  /** Over {@link WORKER_OPTIONS}. */
  readonly options: Partial<TokenModuleOptions>;
}

/** Options that all processes have in common. */
export const WORKER_OPTIONS = {
  issuer: 'https://api.example.com',
  secret: 'Vw4-only-for-tests-7kRzN2cY9dF4gH6j',
  // A burst of a thousand is to be answered, however slow the machine.
  storeTimeout: '30s',
} as const satisfies TokenModuleOptions;

/** The instance that the processes hold when none is named. */
export const REALM = 'default';

/** One presentation of a refresh token. */
export interface PresentCommand {
  readonly do: 'present';
  readonly tokens: readonly string[];
  readonly realm: string;
  /** Instances that the presentations are dealt to: those of one instance share their work, as the requests of one application do. */
  readonly lanes: number;
  /** Instant of `process.hrtime`, one clock for all processes, at which they begin; 0: at once. */
  readonly at: bigint;
}

/** What a process can be asked. */
export type Command =
  | PresentCommand
  | { readonly do: 'sign in'; readonly subjects: readonly string[]; readonly realm: string }
  | { readonly do: 'sign out'; readonly tokens: readonly string[]; readonly realm: string; readonly at: bigint }
  | { readonly do: 'revoke all'; readonly subject: string; readonly realm: string }
  | { readonly do: 'query'; readonly sql: string }
  | { readonly do: 'count rotations' }
  /** The process kills itself: before it sends its next statement, or when it has the rows that its next rotation changed. */
  | { readonly do: 'die'; readonly when: DeathPoint };

export type DeathPoint = 'before its statement' | 'after its statement';

/** What became of a presentation. */
export interface Presented {
  /** The outcome, or the code of the error. */
  readonly outcome: string;
  readonly refreshToken?: string;
  readonly accessToken?: string;
  /** Statements that it took. */
  readonly statements: number;
  /** What lies behind `store_unavailable`. */
  readonly cause?: string;
}

/** A session that has been opened. */
export interface SignedIn {
  readonly sessionId: string;
  readonly refreshToken: string;
  readonly accessToken: string;
}

/** To a process. */
export interface Order {
  readonly id: number;
  readonly command: Command;
}

/** From a process. `answer` comes once for each presentation, as soon as there is one; then `result`. */
export type Report =
  | { readonly ready: true; readonly port: number | null }
  | { readonly id: number; readonly index: number; readonly answer: Presented }
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: string };
