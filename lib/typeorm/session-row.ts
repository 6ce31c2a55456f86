import type { RevokedSession } from '../session/token-repository.js';
import type { SessionSnapshot, TokenSession } from '../session/token-session.js';

/** A raw row, as the driver returns it. */
export type Row = Readonly<Record<string, unknown>>;

/** Returns the ids in the rows, in their order. */
export function idsOf(rows: readonly Row[]): string[] {
  return rows.map(({ id }) => String(id));
}

/** Returns what has been revoked, as a row of `revokedSince` says. */
export function revokedSessionOf({ id, revokedAt, accessOnly }: Row): RevokedSession {
  return { id: String(id), revokedAt: Number(revokedAt), ...(Number(accessOnly) === 1 && { accessOnly: true }) };
}

/** Returns the session of a raw row, in whatever form the driver returns 64-bit integers and JSON. */
export function snapshotOf(row: Row): SessionSnapshot {
  const columns = row as unknown as Raw;
  const session: TokenSession = {
    id: columns.id,
    realm: columns.realm,
    subject: columns.subject,
    generation: columns.generation,
    branch: columns.branch,
    parentBranch: columns.parentBranch,
    rotatedAt: Number(columns.rotatedAt),
    createdAt: Number(columns.createdAt),
    lastUsedAt: Number(columns.lastUsedAt),
    idleExpiresAt: Number(columns.idleExpiresAt),
    absoluteExpiresAt: Number(columns.absoluteExpiresAt),
    ownIdleMs: numberOrNull(columns.ownIdleMs),
    accessRevokedAt: numberOrNull(columns.accessRevokedAt),
    revokedAt: numberOrNull(columns.revokedAt),
    revokeReason: columns.revokeReason,
    windowCount: columns.windowCount,
    windowStartedAt: Number(columns.windowStartedAt),
    authTime: Number(columns.authTime),
    claims: parsed(columns.claims) as TokenSession['claims'],
    ip: columns.ip,
    userAgent: columns.userAgent,
    label: columns.label,
    data: parsed(columns.data) as TokenSession['data'],
    boundKey: columns.boundKey,
  };
  return { session, at: Number(columns.readAt) };
}

type Nullable = 'revokedAt' | 'accessRevokedAt' | 'ownIdleMs';
type LongNumber =
  'rotatedAt' | 'createdAt' | 'lastUsedAt' | 'idleExpiresAt' | 'absoluteExpiresAt' | 'windowStartedAt' | 'authTime' | 'readAt';

/**
 * The raw members. 64-bit integers are text with PostgreSQL. JSON is text if the column is text, and an object if somebody has made it
 * JSON.
 */
type Raw = Omit<TokenSession, LongNumber | Nullable | 'claims' | 'data'> &
  Readonly<Record<LongNumber, number | string> & Record<Nullable, number | string | null> & Record<'claims' | 'data', unknown>>;

function numberOrNull(value: number | string | null): number | null {
  return value === null ? null : Number(value);
}

function parsed(json: unknown): unknown {
  return typeof json === 'string' ? JSON.parse(json) : json;
}
