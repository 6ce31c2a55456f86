import type { SessionLimit } from '../session/token-repository.js';
import { StoreConflict } from '../session/token-repository.js';
import type { RefreshTokenPosition, RevokeReason, SessionKey, SessionOwner, SessionSnapshot } from '../session/token-session.js';
import type { StatementResult } from './prepared-queries.js';
import type { Row } from './session-row.js';
import { idsOf, snapshotOf } from './session-row.js';
import { SessionStatements } from './session-statements.js';
import type { SessionStatement, StatementComposer } from './statement-composer.js';
import type { StatementRunner } from './statement-runner.js';
import { SubjectStatements } from './subject-statements.js';

/**
 * Maximum number of rows that one statement locks when it ends sessions. They are so few that a refresh of one of them need not wait for
 * long.
 */
const ENDED_AT_ONCE = 500;
/** Maximum number of attempts for one step of several, if it meets another statement. */
const ATTEMPTS = 8;

interface Statements {
  /** The statements about one session. */
  readonly one: SessionStatements;
  /** The statements about several sessions. */
  readonly many: SubjectStatements;
}

/** Chooses a statement to run. */
type Choice = (statements: Statements) => SessionStatement;

/** Runs the statements of one table of sessions, and reads what they return. */
export class SessionStore {
  private readonly statements: Statements;
  /** Whether the engine returns what it has changed. */
  private readonly returning: boolean;

  constructor(
    composer: StatementComposer,
    private readonly runner: StatementRunner,
  ) {
    this.statements = { one: new SessionStatements(composer), many: new SubjectStatements(composer) };
    this.returning = composer.settings.dialect.returning;
  }

  /**
   * Changes one session and returns it. The same statement returns it if the engine can do that. Otherwise it is read afterwards.
   * @param to the position that the statement puts the session to.
   */
  async change(key: SessionKey, to: RefreshTokenPosition, choose: Choice): Promise<SessionSnapshot | null> {
    if (this.returning) return this.first(choose);
    return (await this.hits(choose)) ? this.findChanged(key, to) : null;
  }

  async find(key: SessionKey): Promise<SessionSnapshot | null> {
    return this.first(({ one }) => one.find(key));
  }

  async rows(choose: Choice): Promise<readonly Row[]> {
    return (await this.run(choose)).records as readonly Row[];
  }

  /** Returns how many rows a statement has changed or found. */
  async count(choose: Choice): Promise<number> {
    return (await this.run(choose)).affected ?? 0;
  }

  /** Tells whether a statement that changes one session has found it. */
  async hits(choose: Choice): Promise<boolean> {
    return (await this.count(choose)) === 1;
  }

  /** Ends the sessions of a subject in steps. @returns the ids of those that have ended. */
  async endAll(owner: SessionOwner, reason: RevokeReason, except: string | undefined): Promise<readonly string[]> {
    const ended: string[] = [];
    let live: readonly string[] = [];
    do {
      const page = { limit: ENDED_AT_ONCE, after: live.at(-1), except };
      live = idsOf(await this.rows(({ many }) => many.liveIds(owner, page)));
      ended.push(...(await this.endThese(owner.realm, live, reason)));
    } while (live.length === ENDED_AT_ONCE);
    return ended;
  }

  /**
   * Ends the sessions beyond the limit. This is judged after the new session has been stored. Of several calls at once, the one that stores
   * last sees all sessions, and none ends a session that is among the first `keep` of all.
   */
  async endBeyond(owner: SessionOwner, limit: SessionLimit): Promise<readonly string[]> {
    const ended: string[] = [];
    let beyond: readonly string[];
    do {
      beyond = idsOf((await this.step(({ many }) => many.beyond(owner, limit, ENDED_AT_ONCE))).records as Row[]);
      ended.push(...(await this.endThese(owner.realm, beyond, 'limit')));
    } while (beyond.length === ENDED_AT_ONCE);
    return ended;
  }

  /**
   * Ends sessions in one statement. An engine without RETURNING only says how many were ended, so a step that met a simultaneous call
   * reports all of them.
   */
  private async endThese(realm: string, ids: readonly string[], reason: RevokeReason): Promise<readonly string[]> {
    if (ids.length === 0) return [];
    const { records, affected } = await this.step(({ many }) => many.revokeThese(realm, ids, reason));
    if (this.returning) return idsOf(records as Row[]);
    return affected ? ids : [];
  }

  /**
   * Reads a session that has been changed. What follows is dated by the instant of the change, not of this reading. A clock that has been
   * set back leaves later instants in the row, which do not count. Another call may have moved the session on since, and its successor
   * belongs to that call.
   */
  private async findChanged(key: SessionKey, { generation, branch }: RefreshTokenPosition): Promise<SessionSnapshot | null> {
    const found = await this.find(key);
    if (!found) return null;
    const session = { ...found.session, generation, branch };
    return { session, at: Math.min(found.at, Math.max(found.session.rotatedAt, found.session.lastUsedAt)) };
  }

  /**
   * Does one step of several. It is repeated if it conflicts with another statement, because what earlier steps have changed must be
   * reported.
   * @throws {Error} if it conflicts every time, and what the statement throws.
   */
  private async step(choose: Choice): Promise<StatementResult> {
    for (let left = ATTEMPTS; ; left -= 1) {
      try {
        return await this.run(choose);
      } catch (error) {
        if (!(error instanceof StoreConflict)) throw error;
        // This is no conflict to the caller, because the whole call must not be repeated.
        if (left === 1) throw new Error('sessions could not be ended: the statement conflicted with others every time', { cause: error });
      }
    }
  }

  private async first(choose: Choice): Promise<SessionSnapshot | null> {
    const [row] = (await this.run(choose)).records as readonly Row[];
    return row ? snapshotOf(row) : null;
  }

  private run(choose: Choice): Promise<StatementResult> {
    return this.runner.run(choose(this.statements));
  }
}
