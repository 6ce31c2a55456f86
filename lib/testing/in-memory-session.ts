import { CLOCK_TOLERANCE_MS } from '../session/token-repository.js';
import type { KeyCondition, RevokedSession, RotationConditions, SessionPatch } from '../session/token-repository.js';
import type { NewSession, RefreshTokenPosition, SessionPage, TokenSession } from '../session/token-session.js';

/** Last used first, then by id. */
export function lastUsedFirst(a: NonNullable<SessionPage['after']>, b: NonNullable<SessionPage['after']>): number {
  return b.lastUsedAt - a.lastUsedAt || byText(a.id, b.id);
}

/** Revoked first, then by id. */
export function revokedFirst(a: RevokedSession, b: RevokedSession): number {
  return a.revokedAt - b.revokedAt || byText(a.id, b.id);
}

function byText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

/** What the caller does to a copy changes nothing here. */
export function copyOf(session: TokenSession): TokenSession {
  return { ...session, claims: throughJson(session.claims), data: session.data && throughJson(session.data) };
}

/** The row of a sign-in. */
export function newRow(session: NewSession, now: number): TokenSession {
  const { id, realm, subject, idleMs, absoluteMs, claims, device, data } = session;
  return {
    id,
    realm,
    subject,
    generation: 0,
    branch: 0,
    parentBranch: -1,
    rotatedAt: 0,
    createdAt: now,
    lastUsedAt: now,
    idleExpiresAt: now + (session.ownIdleMs ?? idleMs),
    absoluteExpiresAt: now + absoluteMs,
    accessRevokedAt: null,
    revokedAt: null,
    revokeReason: null,
    windowCount: 0,
    windowStartedAt: 0,
    authTime: session.authTime ?? now,
    claims: throughJson(claims),
    ip: device.ip ?? null,
    userAgent: device.userAgent ?? null,
    label: device.label ?? null,
    data: data === undefined ? null : throughJson(data),
    ownIdleMs: session.ownIdleMs ?? null,
    boundKey: session.boundKey ?? null,
  };
}

/** What a database with a JSON column gives back. */
function throughJson(object: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return JSON.parse(JSON.stringify(object)) as Record<string, unknown>;
}

/** Whether a position is one of the current generation that has been handed out. */
export function isAt(session: TokenSession, position: RefreshTokenPosition): boolean {
  return session.generation === position.generation && session.branch >= position.branch;
}

/** Whether everything but the position allows a rotation. */
export function mayRotate(session: TokenSession, terms: RotationConditions, now: number): boolean {
  return (
    session.revokedAt === null &&
    !hasExpired(session, now) &&
    hasRightKey(session, terms) &&
    (terms.settleMs === null || session.rotatedAt <= now - terms.settleMs) &&
    (terms.limit === null || session.windowCount < terms.limit.max || windowIsOver(session, terms.limit, now))
  );
}

/** What a rotation changes, but for the parent. */
export function rotated(session: TokenSession, terms: RotationConditions, now: number): Partial<TokenSession> {
  return {
    generation: session.generation + 1,
    branch: 0,
    rotatedAt: now,
    lastUsedAt: now,
    idleExpiresAt: now + (session.ownIdleMs ?? terms.idleMs),
    ...(terms.limit && counted(session, terms.limit, now)),
  };
}

type RotationLimit = NonNullable<RotationConditions['limit']>;

function counted(session: TokenSession, limit: RotationLimit, now: number): Partial<TokenSession> {
  return windowIsOver(session, limit, now) ? { windowCount: 1, windowStartedAt: now } : { windowCount: session.windowCount + 1 };
}

function windowIsOver(session: TokenSession, limit: RotationLimit, now: number): boolean {
  return now >= session.windowStartedAt + limit.perMs;
}

/** Whether a session stands at exactly this position. */
export function standsAt(session: TokenSession, position: RefreshTokenPosition): boolean {
  return session.generation === position.generation && session.branch === position.branch;
}

/** Whether the idle or the absolute lifetime is over. */
export function hasExpired(session: TokenSession, now: number): boolean {
  return now >= session.idleExpiresAt || now >= session.absoluteExpiresAt;
}

/** Whether a presentation has proved the key that the session is bound to, or need not. */
export function hasRightKey({ boundKey }: TokenSession, { provenKey }: KeyCondition): boolean {
  return provenKey === undefined || boundKey === null || boundKey === provenKey;
}

/** The live sessions of a subject that are too many. */
export function beyondLimit(
  live: TokenSession[],
  { keep, ends, now }: { keep: number; ends: 'oldest' | 'newest'; now: number },
): TokenSession[] {
  const isAhead = (session: TokenSession) => Number(session.lastUsedAt > now + CLOCK_TOLERANCE_MS);
  const oldestLast = (a: TokenSession, b: TokenSession) => isAhead(a) - isAhead(b) || lastUsedFirst(a, b);
  const newestLast = (a: TokenSession, b: TokenSession) => a.createdAt - b.createdAt || byText(a.id, b.id);
  return live.sort(ends === 'oldest' ? oldestLast : newestLast).slice(keep);
}

/** A session with what a patch gives. */
export function patched(
  session: TokenSession,
  { claims, authTime, usedAgoMs, accessRevokedAt, ...texts }: SessionPatch,
  now: number,
): TokenSession {
  const given = Object.fromEntries(Object.entries(texts).filter(([, text]) => text !== undefined));
  return {
    ...session,
    ...given,
    ...(claims && { claims: throughJson(claims) }),
    ...(authTime && { authTime: now }),
    ...(accessRevokedAt && { accessRevokedAt: Math.max(now, (session.accessRevokedAt ?? 0) + 1) }),
    ...(usedAgoMs !== undefined && { lastUsedAt: Math.max(session.lastUsedAt, now - Math.max(0, Math.round(usedAgoMs))) }),
  };
}

/** What `revokedSince` lists of a session: its revocation, or else the last one of its access tokens, or nothing. */
export function revocationOf({ id, revokedAt, accessRevokedAt }: TokenSession): RevokedSession[] {
  if (revokedAt !== null) return [{ id, revokedAt }];
  return accessRevokedAt === null ? [] : [{ id, revokedAt: accessRevokedAt, accessOnly: true }];
}
