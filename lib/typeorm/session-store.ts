import type { SessionLimit } from '../session/token-repository.js';
import { StoreConflict } from '../session/token-repository.js';
import type { RevokeReason, SessionKey, SessionOwner, SessionSnapshot } from '../session/token-session.js';
import type { StatementResult } from './prepared-queries.js';
import type { Row } from './session-row.js';
import { idsOf, snapshotOf } from './session-row.js';
import { SessionStatements } from './session-statements.js';
import type { SessionStatement, StatementComposer } from './statement-composer.js';
import type { StatementRunner } from './statement-runner.js';
import { SubjectStatements } from './subject-statements.js';

/** Rows that one statement locks at most when it ends sessions: few enough that a refresh of one of them need not wait for long. */
const ENDED_AT_ONCE = 500;
/** How often one step of several is made in all when it meets another statement. */
const ATTEMPTS = 8;

interface Statements {
  /** About one session. */
  readonly one: SessionStatements;
  /** About several. */
  readonly many: SubjectStatements;
}

/** Picks a statement to run. */
type Choice = (statements: Statements) => SessionStatement;

/** Runs the statements of one table of sessions, and reads what they give back. */
export class SessionStore {
  private readonly statements: Statements;
  /** Whether the engine gives back what it has changed. */
  private readonly returning: boolean;

  constructor(
    composer: StatementComposer,
    private readonly runner: StatementRunner,
  ) {
    this.statements = { one: new SessionStatements(composer), many: new SubjectStatements(composer) };
    this.returning = composer.settings.dialect.returning;
  }

  /** Changes one session and gives it back: in the same statement where the engine can, with one look otherwise. */
  async change(key: SessionKey, choose: Choice): Promise<SessionSnapshot | null> {
    if (!this.returning) return (await this.hits(choose)) ? this.findChanged(key) : null;
    const [row] = await this.rows(choose);
    return row ? snapshotOf(row) : null;
  }

  async find(key: SessionKey): Promise<SessionSnapshot | null> {
    const [row] = await this.rows(({ one }) => one.find(key));
    return row ? snapshotOf(row) : null;
  }

  async rows(choose: Choice): Promise<readonly Row[]> {
    return (await this.run(choose)).records as readonly Row[];
  }

  /** How many rows a statement has changed or found. */
  async count(choose: Choice): Promise<number> {
    return (await this.run(choose)).affected ?? 0;
  }

  /** Whether a statement that changes one session has found it. */
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
   * Ends what is beyond the limit. It is judged after the new session is stored: of several calls at once, the one that stores last sees all
   * sessions, and none ends a session that is among the first `keep` of all.
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
   * Ends sessions in one statement. An engine without RETURNING says only how many were ended, so that a step which met a simultaneous call
   * reports all of them.
   */
  private async endThese(realm: string, ids: readonly string[], reason: RevokeReason): Promise<readonly string[]> {
    if (ids.length === 0) return [];
    const { records, affected } = await this.step(({ many }) => many.revokeThese(realm, ids, reason));
    if (this.returning) return idsOf(records as Row[]);
    return affected ? ids : [];
  }

  /** The instant of the change, not of this look, dates what follows. A clock that has been set back leaves later instants in the row. */
  private async findChanged(key: SessionKey): Promise<SessionSnapshot | null> {
    const found = await this.find(key);
    return found && { ...found, at: Math.min(found.at, Math.max(found.session.rotatedAt, found.session.lastUsedAt)) };
  }

  /**
   * One step of several: it is made again where it conflicts with another statement, because what earlier steps have changed must be reported.
   * @throws {Error} when it conflicts every time, and what the statement throws.
   */
  private async step(choose: Choice): Promise<StatementResult> {
    for (let left = ATTEMPTS; ; left -= 1) {
      try {
        return await this.run(choose);
      } catch (error) {
        if (!(error instanceof StoreConflict)) throw error;
        // Not a conflict to the caller: the whole call must not be made again.
        if (left === 1) throw new Error('sessions could not be ended: the statement conflicted with others every time', { cause: error });
      }
    }
  }

  private run(choose: Choice): Promise<StatementResult> {
    return this.runner.run(choose(this.statements));
  }
}
