import { DEFAULT_NAME } from '../keys/key-ring.js';
import type { TokenModuleExtras } from './extras.options.js';
import { ENDPOINTS } from './endpoints.schema.js';
import type { Schema } from './option-kinds.js';

/** What is known when a module is declared. */
export const EXTRAS = {
  isGlobal: { kind: 'flag', default: true },
  globalGuard: { kind: 'flag', default: false },
  name: { kind: 'identifier', default: DEFAULT_NAME },
  dataSource: { kind: 'label', wanted: 'the name of a DataSource', defaultNote: "TypeORM's default" },
  repository: { kind: 'class', defaultNote: '`TypeOrmTokenRepository`' },
  passportStrategy: { kind: 'label', wanted: 'the name of a strategy', defaultNote: 'none' },
  verifyOnly: { kind: 'flag', default: false },
  stateless: { kind: 'flag', default: false },
  endpoints: { kind: 'group', options: ENDPOINTS },
} as const satisfies Schema<TokenModuleExtras>;
