import type { MigrationInterface } from 'typeorm';
import { CreateTokenSession1790000000000 } from './1790000000000-create-token-session.js';
import { BindAndLimitSessions1795000000000 } from './1795000000000-bind-and-limit-sessions.js';

/** Every migration of the table of sessions, in order. Spread it into the `migrations` of the DataSource. */
export const SESSION_MIGRATIONS: (new () => MigrationInterface & { readonly name: string })[] = [
  CreateTokenSession1790000000000,
  BindAndLimitSessions1795000000000,
];
