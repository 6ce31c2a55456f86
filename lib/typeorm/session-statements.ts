import type { KeyCondition, RevokeCondition, RotationConditions, SessionAdvance, SessionPatch } from '../session/token-repository.js';
import type { NewSession, RefreshTokenPosition, RevokeReason, SessionKey } from '../session/token-session.js';
import type { SessionStatement, StatementComposer } from './statement-composer.js';
import { isAlive } from './statement-composer.js';
import type { Property, StatementWriter } from './statement-writer.js';

/** The statements about one session. Parameters follow the order in which they appear, because `?` placeholders need that. */
export class SessionStatements {
  constructor(private readonly composer: StatementComposer) {}

  insert(session: NewSession): SessionStatement {
    const { id, realm, subject, absoluteMs, device, data, ownIdleMs, boundKey, authTime } = session;
    const texts = { label: device.label ?? null, ip: device.ip ?? null, userAgent: device.userAgent ?? null, boundKey: boundKey ?? null };
    const objects = { claims: JSON.stringify(session.claims), data: data === undefined ? null : JSON.stringify(data) };
    const spans = { idleMs: ownIdleMs ?? session.idleMs, ownIdleMs: ownIdleMs ?? null, absoluteMs };
    const values = { id, realm, subject, ...texts, ...objects, ...spans, authTime };
    return this.composer.prepared(authTime === undefined ? 'insert' : 'insert dated', values, (q) => {
      const row: Partial<Record<Property, string>> = {
        ...this.each(['id', 'realm', 'subject'], (name) => q.value(name)),
        ...this.each(['generation', 'branch', 'rotatedAt', 'windowCount', 'windowStartedAt'], () => '0'),
        parentBranch: '-1',
        ...this.each(['createdAt', 'lastUsedAt'], () => q.now),
        authTime: authTime === undefined ? q.now : q.value('authTime'),
        idleExpiresAt: `${q.now} + ${q.value('idleMs')}`,
        absoluteExpiresAt: `${q.now} + ${q.value('absoluteMs')}`,
        ...this.each(['claims', 'data', 'label', 'ip', 'userAgent', 'ownIdleMs', 'boundKey'], (name) => q.value(name)),
      };
      const columns = Object.keys(row).map((property) => q.column(property as Property));
      return `INSERT INTO ${q.table} (${columns.join(', ')}) VALUES (${Object.values(row).join(', ')})${this.composer.returning(q)}`;
    });
  }

  /** The statement of step 1 of the protocol. It is the only statement of a refresh. */
  rotate(key: SessionKey, { generation, branch }: RefreshTokenPosition, terms: RotationConditions): SessionStatement {
    const { settleMs, idleMs, limit, provenKey } = terms;
    const shape = `rotate ${settleMs === null ? '' : 'settled'} ${limit ? 'limited' : ''} ${keyShape(terms)}`;
    const values = { id: key.id, realm: key.realm, generation, branch, settleMs, idleMs, max: limit?.max, perMs: limit?.perMs, provenKey };
    return this.composer.prepared(shape, values, (q) => {
      const assignments = q.set({
        ...(limit && countRotation(q)),
        generation: `${q.column('generation')} + 1`,
        branch: '0',
        parentBranch: q.value('branch'),
        rotatedAt: q.now,
        ...renewIdleLifetime(q),
      });
      const conditions = [
        isLive(q),
        q.is('generation'),
        `${q.column('branch')} >= ${q.value('branch')}`,
        ...(settleMs === null ? [] : [`${q.column('rotatedAt')} <= ${q.now} - ${q.value('settleMs')}`]),
        isAlive(q),
        ...(limit ? [`(${windowIsOver(q)} OR ${q.column('windowCount')} < ${q.value('max')})`] : []),
        ...hasRightKey(q, terms),
      ];
      return `UPDATE ${q.table} SET ${assignments} WHERE ${conditions.join(' AND ')}${this.composer.returning(q)}`;
    });
  }

  advance(key: SessionKey, from: RefreshTokenPosition, to: SessionAdvance): SessionStatement {
    const { parentBranch, idleMs, restartsGrace, provenKey } = to;
    const changed = [parentBranch !== null && 'parent', idleMs !== null && 'idle', restartsGrace && 'grace'].filter(Boolean);
    const standing = { generation: from.generation, branch: from.branch };
    const values = {
      ...standing,
      id: key.id,
      realm: key.realm,
      toGeneration: to.generation,
      toBranch: to.branch,
      parentBranch,
      idleMs,
      provenKey,
    };
    return this.composer.prepared(`advance ${changed.join(' ')} ${keyShape(to)}`, values, (q) => {
      const assignments = q.set({
        generation: q.value('toGeneration'),
        branch: q.value('toBranch'),
        ...(parentBranch !== null && { parentBranch: q.value('parentBranch') }),
        ...(restartsGrace && { rotatedAt: q.now }),
        ...(idleMs !== null && renewIdleLifetime(q)),
      });
      const conditions = [isLive(q), standsAt(q), ...hasRightKey(q, to)].join(' AND ');
      return `UPDATE ${q.table} SET ${assignments} WHERE ${conditions}${this.composer.returning(q)}`;
    });
  }

  find({ realm, id }: SessionKey): SessionStatement {
    return this.composer.prepared(
      'find',
      { realm, id },
      (q) => `SELECT ${this.composer.columns(q)} FROM ${q.table} WHERE ${q.is('id')} AND ${q.isText('realm')}`,
    );
  }

  update({ realm, id }: SessionKey, { claims, authTime, accessRevokedAt, usedAgoMs, ...patch }: SessionPatch): SessionStatement {
    const texts = (['label', 'ip', 'userAgent'] as const).filter((name) => patch[name] !== undefined);
    const given = [
      ...texts,
      claims && 'claims',
      authTime && 'authenticated',
      accessRevokedAt && 'access',
      usedAgoMs !== undefined && 'used',
    ].filter(Boolean);
    const ageMs = Math.max(0, Math.round(usedAgoMs ?? 0));
    const values = { realm, id, ...patch, claims: JSON.stringify(claims), ageMs };
    return this.composer.prepared(`update ${given.join(' ')}`, values, (q) => {
      const [usedAt, told] = [q.column('lastUsedAt'), () => `${q.now} - ${q.value('ageMs')}`];
      const assignments = q.set({
        // Sets a column to itself, so that an empty patch is a statement too.
        branch: q.column('branch'),
        ...this.each(texts, (name) => q.value(name)),
        ...(claims && { claims: q.value('claims') }),
        ...(authTime && { authTime: q.now }),
        ...(accessRevokedAt && { accessRevokedAt: laterThan(q, 'accessRevokedAt') }),
        ...(usedAgoMs !== undefined && { lastUsedAt: `CASE WHEN ${usedAt} < ${told()} THEN ${told()} ELSE ${usedAt} END` }),
      });
      return `UPDATE ${q.table} SET ${assignments} WHERE ${isLive(q)} AND ${isAlive(q)}`;
    });
  }

  bind({ realm, id }: SessionKey, boundKey: string): SessionStatement {
    return this.composer.prepared('bind', { realm, id, boundKey }, (q) => {
      const assignment = q.set({ boundKey: q.value('boundKey') });
      return `UPDATE ${q.table} SET ${assignment} WHERE ${isLive(q)} AND ${isAlive(q)} AND ${q.column('boundKey')} IS NULL`;
    });
  }

  revoke({ realm, id }: SessionKey, reason: RevokeReason, { subject, only }: RevokeCondition): SessionStatement {
    const shape = `revoke ${subject === undefined ? '' : 'owned'} ${only ? 'standing' : ''}`;
    const values = { realm, id, reason, subject, generation: only?.generation, branch: only?.branch };
    return this.composer.prepared(shape, values, (q) => {
      const assignments = q.set({ revokedAt: q.now, revokeReason: q.value('reason') });
      const conditions = [isLive(q), ...(subject === undefined ? [] : [q.isText('subject')]), ...(only ? [standsAt(q)] : [])];
      return `UPDATE ${q.table} SET ${assignments} WHERE ${conditions.join(' AND ')}`;
    });
  }

  private each<Name extends Property>(names: readonly Name[], expression: (name: Name) => string): Partial<Record<Property, string>> {
    return Object.fromEntries(names.map((name) => [name, expression(name)]));
  }
}

function isLive(q: StatementWriter): string {
  return `${q.is('id')} AND ${q.isText('realm')} AND ${q.column('revokedAt')} IS NULL`;
}

function standsAt(q: StatementWriter): string {
  return `${q.is('generation')} AND ${q.is('branch')}`;
}

/** The present instant, or one millisecond more than the column says, whichever is later. */
function laterThan(q: StatementWriter, property: Property): string {
  const column = q.column(property);
  return `CASE WHEN ${column} >= ${q.now} THEN ${column} + 1 ELSE ${q.now} END`;
}

function renewIdleLifetime(q: StatementWriter): Partial<Record<Property, string>> {
  return { lastUsedAt: q.now, idleExpiresAt: `${q.now} + COALESCE(${q.column('ownIdleMs')}, ${q.value('idleMs')})` };
}

function windowIsOver(q: StatementWriter): string {
  return `${q.column('windowStartedAt')} + ${q.value('perMs')} <= ${q.now}`;
}

/** Counts a rotation. `windowCount` comes before `windowStartedAt`, because MariaDB evaluates SET from left to right. */
function countRotation(q: StatementWriter): Partial<Record<Property, string>> {
  return {
    windowCount: `CASE WHEN ${windowIsOver(q)} THEN 1 ELSE ${q.column('windowCount')} + 1 END`,
    windowStartedAt: `CASE WHEN ${windowIsOver(q)} THEN ${q.now} ELSE ${q.column('windowStartedAt')} END`,
  };
}

function keyShape({ provenKey }: KeyCondition): string {
  if (provenKey === undefined) return '';
  return provenKey === null ? 'unbound' : 'proven';
}

function hasRightKey(q: StatementWriter, { provenKey }: KeyCondition): string[] {
  if (provenKey === undefined) return [];
  const isUnbound = `${q.column('boundKey')} IS NULL`;
  return [provenKey === null ? isUnbound : `(${isUnbound} OR ${q.isText('boundKey', 'provenKey')})`];
}
