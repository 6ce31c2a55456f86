import { EARLIEST_INSTANT } from '../clock.js';
import { inspect } from 'node:util';
import type { TokenHook } from '../errors/token.errors.js';
import { TokenExpired } from '../errors/token.errors.js';
import { askHook } from './ask-hook.js';

/** Asks one of the hooks of the migration bridge. */
export interface LegacyQuestion<Answer extends object, Result> {
  readonly hook: TokenHook;
  readonly timeoutMs: number;
  /** The token in question. */
  readonly token: string;
  readonly ask: (token: string) => Promise<Answer | null> | Answer | null;
  /** Checks and converts what the hook returned. @throws {TypeError} if it does not fit. */
  readonly read: (answer: Answer) => Result;
}

/** What a hook that refuses a token may mean by it. */
export type LegacyRefusal = 'refused' | 'expired';

/** The messages of jsonwebtoken about a token, such as `invalid signature` and `jwt malformed`. */
const BAD_TOKEN = /^(jwt|invalid) /;

/**
 * Asks a hook about a token that is not ours. `undefined` is not taken for null, because a hook that has forgotten its `return` must not
 * sign everybody out.
 *
 * @returns what the hook says, or how it refuses the token.
 * @throws {UserRejected | HookFailed | HookTimeout | StoreUnavailable} rejects with it. No error contains the token.
 */
export function askAboutLegacyToken<Answer extends object, Result>(
  question: LegacyQuestion<Answer, Result>,
): Promise<Result | LegacyRefusal> {
  const { hook, timeoutMs, token, ask, read } = question;
  return askHook(hook, timeoutMs, async () => {
    try {
      const answer: unknown = await ask(token);
      if (answer === null) return 'refused';
      if (typeof answer !== 'object') throw new TypeError('the hook returned neither an object nor null');
      return read(answer as Answer);
    } catch (error) {
      const refusal = refusalOf(error);
      if (refusal) return refusal;
      throw withoutToken(error, token);
    }
  });
}

/**
 * Reads an instant that a hook returned.
 * @returns epoch milliseconds, or undefined if none was given.
 * @throws {TypeError} if it is no instant, or one in seconds.
 */
export function instantOf(name: string, given: unknown): number | undefined {
  if (given === undefined) return undefined;
  const instant = given instanceof Date ? given.getTime() : given;
  if (typeof instant !== 'number' || !Number.isFinite(instant) || instant < EARLIEST_INSTANT) {
    throw new TypeError(`${name}: not an instant in epoch milliseconds. The exp of a JWT is seconds: write exp * 1000`);
  }
  return Math.floor(instant);
}

/**
 * Tells what jsonwebtoken says about a bad token, so that a hook may simply call it. Its complaint about a missing or unsuitable secret has
 * the same name, but is no verdict on a token, and must not sign everybody out.
 */
function refusalOf(error: unknown): LegacyRefusal | null {
  if (error instanceof TokenExpired) return 'expired';
  if (!(error instanceof Error)) return null;
  if (error.name === 'TokenExpiredError') return 'expired';
  return error.name === 'NotBeforeError' || (error.name === 'JsonWebTokenError' && BAD_TOKEN.test(error.message)) ? 'refused' : null;
}

/** Replaces an error that quotes the token, because the log has the stack of what a hook throws. */
function withoutToken(error: unknown, token: string): unknown {
  const quotes = inspect(error, { depth: 5, maxStringLength: null }).includes(token);
  return quotes ? new Error('the error of the hook is left out, because it contains the token') : error;
}
