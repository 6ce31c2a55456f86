import type { NewSession, RefreshTokenPosition, RevokeReason, SessionKey, SessionOwner, SessionPage } from '../session/token-session.js';
import type { RevokedFrom, RevokedSession, RotationTerms, SessionAdvance } from '../session/token-repository.js';
import type { Property, SqlNotation, Statement } from './statement-writer.js';
import { StatementWriter } from './statement-writer.js';

/** Which ids of live sessions to read. */
export interface LiveIds {
  readonly limit: number;
  /** The last id that has been read; undefined: begin. */
  readonly after?: string | undefined;
  /** An id to leave out. */
  readonly except?: string | undefined;
}

/** The statements behind the repository's verbs. Parameters are bound in the order of their appearance, as `?` placeholders need. */
export class SessionStatements {
  constructor(private readonly notation: SqlNotation) {}

  insert(session: NewSession): Statement {
    const { now } = this.notation;
    return this.write((q) => {
      const { device } = session;
      const values: [Property, string][] = [
        ...(['id', 'realm', 'subject'] as const).map((name): [Property, string] => [name, q.bind(session[name])]),
        ...(['generation', 'branch', 'rotatedAt', 'windowCount', 'windowStartedAt'] as const).map((name): [Property, string] => [
          name,
          '0',
        ]),
        ['parentBranch', '-1'],
        ...(['createdAt', 'lastUsedAt', 'authTime'] as const).map((name): [Property, string] => [name, now()]),
        ['idleExpiresAt', `${now()} + ${q.bind(session.idleMs)}`],
        ['absoluteExpiresAt', `${now()} + ${q.bind(session.absoluteMs)}`],
        ['claims', q.bind(JSON.stringify(session.claims))],
        ['data', q.bind(session.data === undefined ? null : JSON.stringify(session.data))],
        ...(['label', 'ip', 'userAgent'] as const).map((name): [Property, string] => [name, q.bind(device[name] ?? null)]),
      ];
      const columns = values.map(([property]) => q.column(property)).join(', ');
      return `INSERT INTO ${q.table} (${columns}) VALUES (${values.map(([, value]) => value).join(', ')})`;
    });
  }

  /** Step 1 of the protocol: the one statement of a refresh. */
  rotate(key: SessionKey, { generation, branch }: RefreshTokenPosition, { settleMs, idleMs, limit }: RotationTerms): Statement {
    const now = this.notation.now();
    return this.write((q) => {
      const windowIsOver = () => `${q.column('windowStartedAt')} + ${q.bind(limit?.perMs)} <= ${now}`;
      // windowCount before windowStartedAt: MariaDB evaluates SET from left to right.
      const window = limit && {
        windowCount: `CASE WHEN ${windowIsOver()} THEN 1 ELSE ${q.column('windowCount')} + 1 END`,
        windowStartedAt: `CASE WHEN ${windowIsOver()} THEN ${now} ELSE ${q.column('windowStartedAt')} END`,
      };
      const assignments = q.set({
        ...window,
        generation: `${q.column('generation')} + 1`,
        branch: '0',
        parentBranch: q.bind(branch),
        rotatedAt: now,
        lastUsedAt: now,
        idleExpiresAt: `${now} + ${q.bind(idleMs)}`,
      });
      const conditions = [
        this.isLive(q, key),
        q.is('generation', generation),
        `${q.column('branch')} >= ${q.bind(branch)}`,
        ...(settleMs === null ? [] : [`${q.column('rotatedAt')} <= ${now} - ${q.bind(settleMs)}`]),
        ...['absoluteExpiresAt' as const, 'idleExpiresAt' as const].map((name) => `${q.column(name)} > ${now}`),
        ...(limit ? [`(${windowIsOver()} OR ${q.column('windowCount')} < ${q.bind(limit.max)})`] : []),
      ];
      return `UPDATE ${q.table} SET ${assignments} WHERE ${conditions.join(' AND ')}`;
    });
  }

  advance(key: SessionKey, from: RefreshTokenPosition, to: SessionAdvance): Statement {
    const now = this.notation.now();
    return this.write((q) => {
      const assignments = q.set({
        generation: q.bind(to.generation),
        branch: q.bind(to.branch),
        ...(to.parentBranch !== null && { parentBranch: q.bind(to.parentBranch) }),
        ...(to.restartsGrace && { rotatedAt: now }),
        ...(to.idleMs !== null && { lastUsedAt: now, idleExpiresAt: `${now} + ${q.bind(to.idleMs)}` }),
      });
      return `UPDATE ${q.table} SET ${assignments} WHERE ${this.isLive(q, key)} AND ${this.standsAt(q, from)}`;
    });
  }

  /** Every column of a session, and the store's instant as `readAt`. */
  find({ realm, id }: SessionKey): Statement {
    return this.write((q) => `${this.selection(q)} WHERE ${q.is('id', id)} AND ${q.isText('realm', realm)}`);
  }

  list({ realm, subject }: SessionOwner, { limit, after }: SessionPage): Statement {
    const now = this.notation.now();
    return this.write((q) => {
      const alive = ['idleExpiresAt' as const, 'absoluteExpiresAt' as const].map((name) => `${q.column(name)} > ${now}`).join(' AND ');
      const owner = `${q.isText('realm', realm)} AND ${q.isText('subject', subject)}`;
      const [usedAt, id] = [q.column('lastUsedAt'), q.column('id')];
      const behind =
        after && `(${usedAt} < ${q.bind(after.lastUsedAt)} OR (${q.is('lastUsedAt', after.lastUsedAt)} AND ${id} > ${q.bind(after.id)}))`;
      const conditions = [owner, `${q.column('revokedAt')} IS NULL`, alive, ...(behind ? [behind] : [])].join(' AND ');
      return `${this.selection(q)} WHERE ${conditions} ORDER BY ${usedAt} DESC, ${id} LIMIT ${q.bind(limit)}`;
    });
  }

  revoke(key: SessionKey, reason: RevokeReason, only?: RefreshTokenPosition): Statement {
    return this.write((q) => {
      const assignments = q.set({ revokedAt: this.notation.now(), revokeReason: q.bind(reason) });
      return `UPDATE ${q.table} SET ${assignments} WHERE ${this.isLive(q, key)}${only ? ` AND ${this.standsAt(q, only)}` : ''}`;
    });
  }

  /** Ids of what {@link revokeThese} is about to end. */
  liveIds({ realm, subject }: SessionOwner, { limit, after, except }: LiveIds): Statement {
    return this.write((q) => {
      const id = q.column('id');
      const conditions = [q.isText('realm', realm), q.isText('subject', subject), `${q.column('revokedAt')} IS NULL`];
      if (after !== undefined) conditions.push(`${id} > ${q.bind(after)}`);
      if (except !== undefined) conditions.push(`${id} <> ${q.bind(except)}`);
      const selection = `SELECT ${id} AS ${this.notation.escape('id')} FROM ${q.table}`;
      return `${selection} WHERE ${conditions.join(' AND ')} ORDER BY ${id} LIMIT ${q.bind(limit)}`;
    });
  }

  /** Ends sessions of a realm that are known to have been alive; those that have been ended since stay as they are. */
  revokeThese(realm: string, ids: readonly string[], reason: RevokeReason): Statement {
    return this.write((q) => {
      const assignments = q.set({ revokedAt: this.notation.now(), revokeReason: q.bind(reason) });
      const these = `${q.column('id')} IN (${ids.map((id) => q.bind(id)).join(', ')}) AND ${q.isText('realm', realm)}`;
      return `UPDATE ${q.table} SET ${assignments} WHERE ${these} AND ${q.column('revokedAt')} IS NULL`;
    });
  }

  revokedSince(realm: string, from: RevokedFrom, limit: number): Statement {
    const { now, escape } = this.notation;
    return this.write((q) => {
      const [id, revokedAt] = [q.column('id'), q.column('revokedAt')];
      const columns = `${id} AS ${escape('id')}, ${revokedAt} AS ${escape('revokedAt')}, ${now()} AS ${escape('readAt')}`;
      const owned = q.isText('realm', realm);
      const begin = 'withinMs' in from ? `${revokedAt} >= ${now()} - ${q.bind(from.withinMs)}` : this.isAfter(q, from);
      return `SELECT ${columns} FROM ${q.table} WHERE ${owned} AND ${begin} ORDER BY ${revokedAt}, ${id} LIMIT ${q.bind(limit)}`;
    });
  }

  purge(realm: string, max: number): Statement {
    const { now, deleteLimit } = this.notation;
    return this.write((q) => {
      const isOver = () => `${q.column('absoluteExpiresAt')} <= ${now()} AND ${q.isText('realm', realm)} LIMIT ${q.bind(max)}`;
      if (deleteLimit === 'limit') return `DELETE FROM ${q.table} WHERE ${isOver()}`;
      return `DELETE FROM ${q.table} WHERE ${q.column('id')} IN (SELECT ${q.column('id')} FROM ${q.table} WHERE ${isOver()})`;
    });
  }

  /** Appended to INSERT, UPDATE and DELETE where the engine can. */
  returning({ sql, parameters }: Statement): Statement {
    return this.write((q) => {
      q.parameters.push(...parameters);
      return `${sql} RETURNING ${this.columns(q)}`;
    });
  }

  private selection(q: StatementWriter): string {
    return `SELECT ${this.columns(q)} FROM ${q.table}`;
  }

  private columns(q: StatementWriter): string {
    const { metadata, escape, now } = this.notation;
    const columns = metadata.columns.map(({ propertyName }) => `${q.column(propertyName as Property)} AS ${escape(propertyName)}`);
    return [...columns, `${now()} AS ${escape('readAt')}`].join(', ');
  }

  private isLive(q: StatementWriter, { realm, id }: SessionKey): string {
    return `${q.is('id', id)} AND ${q.isText('realm', realm)} AND ${q.column('revokedAt')} IS NULL`;
  }

  /** Behind a place of the index on these two columns. */
  private isAfter(q: StatementWriter, { revokedAt, id }: RevokedSession): string {
    const [instant, key] = [q.column('revokedAt'), q.column('id')];
    if (this.notation.comparesRows) return `(${instant}, ${key}) > (${q.bind(revokedAt)}, ${q.bind(id)})`;
    return `(${instant} > ${q.bind(revokedAt)} OR (${instant} = ${q.bind(revokedAt)} AND ${key} > ${q.bind(id)}))`;
  }

  private standsAt(q: StatementWriter, { generation, branch }: RefreshTokenPosition): string {
    return `${q.is('generation', generation)} AND ${q.is('branch', branch)}`;
  }

  private write(compose: (q: StatementWriter) => string): Statement {
    const writer = new StatementWriter(this.notation);
    return writer.finish(compose(writer));
  }
}
