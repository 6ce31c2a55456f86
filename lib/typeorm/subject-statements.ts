import type { RevokedFrom, SessionLimit } from '../session/token-repository.js';
import { CLOCK_TOLERANCE_MS } from '../session/token-repository.js';
import type { RevokeReason, SessionOwner, SessionPage } from '../session/token-session.js';
import type { SessionStatement, StatementComposer } from './statement-composer.js';
import { isAlive } from './statement-composer.js';
import type { StatementWriter } from './statement-writer.js';

/** Says which ids of live sessions to read. */
export interface LiveIds {
  readonly limit: number;
  /** The last id that has been read. If it is undefined, reading begins. */
  readonly after?: string | undefined;
  /** An id that is left out. */
  readonly except?: string | undefined;
}

/** The columns that date revocations. */
type RevocationInstant = 'revokedAt' | 'accessRevokedAt';

/** The statements about several sessions, which are those of a subject or of an instance. None of them is frequent, so none is prepared. */
export class SubjectStatements {
  constructor(private readonly composer: StatementComposer) {}

  list(owner: SessionOwner, { limit, after }: SessionPage): SessionStatement {
    const values = { ...owner, limit, usedAt: after?.lastUsedAt, id: after?.id };
    return this.composer.plain(`list ${after ? 'after' : ''}`, values, (q) => {
      const [usedAt, id] = [q.column('lastUsedAt'), q.column('id')];
      const selection = `SELECT ${this.composer.columns(q)} FROM ${q.table}`;
      const conditions = [owned(q), isAlive(q)];
      if (after) {
        const isEarlier = `${usedAt} < ${q.value('usedAt')}`;
        conditions.push(`(${isEarlier} OR (${q.is('lastUsedAt', 'usedAt')} AND ${id} > ${q.value('id')}))`);
      }
      return `${selection} WHERE ${conditions.join(' AND ')} ORDER BY ${usedAt} DESC, ${id} LIMIT ${q.value('limit')}`;
    });
  }

  /** Reads at most `limit` ids of live sessions beyond the first `keep`. */
  beyond(owner: SessionOwner, { keep, ends = 'oldest' }: SessionLimit, limit: number): SessionStatement {
    const values = { realm: owner.realm, subject: owner.subject, keep, limit, toleranceMs: CLOCK_TOLERANCE_MS };
    return this.composer.plain(`beyond ${ends}`, values, (q) => {
      const conditions = `${owned(q)} AND ${isAlive(q)}`;
      const order = ends === 'newest' ? q.column('createdAt') : lastUsedFirst(q);
      return `${this.ids(q)} WHERE ${conditions} ORDER BY ${order}, ${q.column('id')} LIMIT ${q.value('limit')} OFFSET ${q.value('keep')}`;
    });
  }

  /** Reads the ids of the sessions that {@link revokeThese} is about to end. */
  liveIds(owner: SessionOwner, { limit, after, except }: LiveIds): SessionStatement {
    const shape = `live ${after === undefined ? '' : 'after'} ${except === undefined ? '' : 'except'}`;
    return this.composer.plain(shape, { ...owner, limit, after, except }, (q) => {
      const id = q.column('id');
      const conditions = [owned(q)];
      if (after !== undefined) conditions.push(`${id} > ${q.value('after')}`);
      if (except !== undefined) conditions.push(`${id} <> ${q.value('except')}`);
      return `${this.ids(q)} WHERE ${conditions.join(' AND ')} ORDER BY ${id} LIMIT ${q.value('limit')}`;
    });
  }

  /** Ends sessions of an instance that are known to have been live. Those that have been ended since stay as they are. */
  revokeThese(realm: string, ids: readonly string[], reason: RevokeReason): SessionStatement {
    const { dialect, escape } = this.composer.settings;
    const values = { realm, reason, ...Object.fromEntries(ids.map((id, index) => [`id${index}`, id])) };
    return this.composer.once(values, (q) => {
      const id = q.column('id');
      const assignments = q.set({ revokedAt: q.now, revokeReason: q.value('reason') });
      const these = `${id} IN (${ids.map((_, index) => q.value(`id${index}`)).join(', ')}) AND ${q.isText('realm')}`;
      const returning = dialect.returning ? ` RETURNING ${id} AS ${escape('id')}` : '';
      return `UPDATE ${q.table} SET ${assignments} WHERE ${these} AND ${q.column('revokedAt')} IS NULL${returning}`;
    });
  }

  /**
   * Reads what has been revoked: sessions, and the access tokens of sessions that are open. Each part reads at most one page from its own
   * index.
   */
  revokedSince(realm: string, from: RevokedFrom, limit: number): SessionStatement {
    const { escape } = this.composer.settings;
    return this.composer.plain('withinMs' in from ? 'revoked within' : 'revoked after', { realm, limit, ...from }, (q) => {
      const ended = this.revocations(q, 'revokedAt', from);
      const accessOnly = this.revocations(q, 'accessRevokedAt', from);
      const order = `${escape('revokedAt')}, ${escape('id')} LIMIT ${q.value('limit')}`;
      return `SELECT * FROM (${ended}) AS ${escape('a')} UNION ALL SELECT * FROM (${accessOnly}) AS ${escape('b')} ORDER BY ${order}`;
    });
  }

  purge(realm: string, max: number): SessionStatement {
    return this.composer.plain('purge', { realm, max }, (q) => {
      const isOver = () => `${q.column('absoluteExpiresAt')} <= ${q.now} AND ${q.isText('realm')} LIMIT ${q.value('max')}`;
      if (this.composer.settings.dialect.deleteLimit === 'limit') return `DELETE FROM ${q.table} WHERE ${isOver()}`;
      return `DELETE FROM ${q.table} WHERE ${q.column('id')} IN (SELECT ${q.column('id')} FROM ${q.table} WHERE ${isOver()})`;
    });
  }

  private ids(q: StatementWriter): string {
    return `SELECT ${q.column('id')} AS ${this.composer.settings.escape('id')} FROM ${q.table}`;
  }

  /** Reads one page of the revocations that one column dates. */
  private revocations(q: StatementWriter, property: RevocationInstant, from: RevokedFrom): string {
    const { escape } = this.composer.settings;
    const [id, instant, accessOnly] = [q.column('id'), q.column(property), property === 'accessRevokedAt'];
    const flag = `${Number(accessOnly)} AS ${escape('accessOnly')}`;
    const columns = `${id} AS ${escape('id')}, ${instant} AS ${escape('revokedAt')}, ${flag}, ${q.now} AS ${escape('readAt')}`;
    const inRealm = q.isText('realm');
    const begin = 'withinMs' in from ? `${instant} >= ${q.now} - ${q.value('withinMs')}` : this.isAfter(q, property);
    const isOpen = accessOnly ? ` AND ${q.column('revokedAt')} IS NULL` : '';
    return `SELECT ${columns} FROM ${q.table} WHERE ${inRealm} AND ${begin}${isOpen} ORDER BY ${instant}, ${id} LIMIT ${q.value('limit')}`;
  }

  /** Writes the condition that a row comes after a place in the order of these two columns. */
  private isAfter(q: StatementWriter, property: RevocationInstant): string {
    const [instant, id] = [q.column(property), q.column('id')];
    if (this.composer.settings.dialect.comparesRows) return `(${instant}, ${id}) > (${q.value('revokedAt')}, ${q.value('id')})`;
    return `(${instant} > ${q.value('revokedAt')} OR (${q.is(property, 'revokedAt')} AND ${id} > ${q.value('id')}))`;
  }
}

/** Writes the condition that a session belongs to the subject and nobody has revoked it. */
function owned(q: StatementWriter): string {
  return `${q.isText('realm')} AND ${q.isText('subject')} AND ${q.column('revokedAt')} IS NULL`;
}

function lastUsedFirst(q: StatementWriter): string {
  const usedAt = q.column('lastUsedAt');
  return `CASE WHEN ${usedAt} > ${q.now} + ${q.value('toleranceMs')} THEN 1 ELSE 0 END, ${usedAt} DESC`;
}
