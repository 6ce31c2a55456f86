import type { RotationRules } from '../support/lib.js';
import { decideRotation } from '../support/lib.js';
import type { RefreshTokenPosition, RotationOutcome, SessionAdvance, TokenSession } from 'nestjs-token';

/** What of a session matters to a search: it neither expires nor has a rotation limit. `revoked` is final. */
export interface Row extends RefreshTokenPosition {
  readonly parentBranch: number;
  readonly rotatedAt: number;
  readonly revoked: boolean;
}

/** What a presentation did to the row, and the token that its answer carries. */
export interface Presented {
  readonly outcome: RotationOutcome | 'reuse' | 'revoked';
  readonly row: Row;
  readonly handed: RefreshTokenPosition | null;
}

/** G of the searches, in the unit of time that the search calls its own. */
export function rulesWithGrace(graceMs: number, rules: Partial<RotationRules> = {}): RotationRules {
  return { graceMs, reuse: 'tolerant', recoverLost: 'always', limit: null, ...rules };
}

/** An instant for the row of a session that rotated long ago. */
export const LONG_AGO = -1_000_000;

/** Step 1 of rotation.md §3 as a search needs it, then the library's own verdict, carried out. One presentation, nobody in between. */
export function present(row: Row, token: RefreshTokenPosition, now: number, rules: RotationRules): Presented {
  if (stepOne(row, token, now, rules)) {
    return handedOut('rotated', {
      generation: token.generation + 1,
      branch: 0,
      parentBranch: token.branch,
      rotatedAt: now,
      revoked: false,
    });
  }
  const verdict = decideRotation({ session: asSession(row), at: now }, token, rules);
  switch (verdict.kind) {
    case 'kept':
      return { outcome: 'kept', row: verdict.confirm ? { ...row, parentBranch: -1, rotatedAt: now } : row, handed: null };
    case 'coalesced':
      return handedOut('coalesced', row);
    case 'recovered':
    case 'healed':
      return handedOut(verdict.kind, advanced(row, { ...verdict.to, idleMs: null }, now));
    case 'reuse':
      return { outcome: 'reuse', row: { ...row, revoked: true }, handed: null };
    case 'revoked':
      return { outcome: 'revoked', row, handed: null };
    default:
      throw new Error(`${verdict.kind} cannot be: nobody races, no limit, no expiry`);
  }
}

function stepOne(row: Row, token: RefreshTokenPosition, now: number, rules: RotationRules): boolean {
  const settled = rules.reuse === 'strict' || row.rotatedAt <= now - 2 * rules.graceMs;
  return !row.revoked && settled && row.generation === token.generation && row.branch >= token.branch;
}

function advanced(row: Row, to: SessionAdvance, now: number): Row {
  return {
    generation: to.generation,
    branch: to.branch,
    parentBranch: to.parentBranch ?? row.parentBranch,
    rotatedAt: to.restartsGrace ? now : row.rotatedAt,
    revoked: false,
  };
}

function handedOut(outcome: RotationOutcome, row: Row): Presented {
  return { outcome, row, handed: { generation: row.generation, branch: row.branch } };
}

function asSession(row: Row): TokenSession {
  return {
    ...row,
    id: 'id',
    realm: 'realm',
    subject: 'subject',
    createdAt: LONG_AGO,
    lastUsedAt: LONG_AGO,
    idleExpiresAt: Infinity,
    absoluteExpiresAt: Infinity,
    revokedAt: row.revoked ? 0 : null,
    revokeReason: null,
    accessRevokedAt: null,
    windowCount: 0,
    windowStartedAt: 0,
    authTime: 0,
    claims: {},
    ip: null,
    userAgent: null,
    label: null,
    data: null,
    ownIdleMs: null,
    boundKey: null,
  };
}
