import type { TokenHook } from '../errors/token.errors.js';
import { HookFailed, HookTimeout, StoreUnavailable, UserRejected } from '../errors/token.errors.js';
import { withDeadline } from './deadline.js';

/**
 * Asks a hook. It can reject the user or say that its own store is unavailable. Anything else that it throws is a mistake in it, and never
 * a verdict on the tokens.
 *
 * @param timeoutMs milliseconds after which the result is no longer waited for.
 * @throws {UserRejected | HookFailed | HookTimeout | StoreUnavailable} rejects with it.
 */
export async function askHook<T>(hook: TokenHook, timeoutMs: number, ask: () => Promise<T>): Promise<T> {
  try {
    return await withDeadline(ask(), timeoutMs, () => new HookTimeout(hook));
  } catch (cause) {
    if (cause instanceof HookTimeout || cause instanceof UserRejected || cause instanceof StoreUnavailable) throw cause;
    throw new HookFailed(hook, { cause });
  }
}

/**
 * Judges an error of issuing a token that takes the place of another one. Claims that were small enough at the sign-in can have grown
 * since. That is a mistake of the `claims` hook, and no verdict on the caller.
 * @throws {HookFailed} if claims have made the access token too large. Any other error is thrown on.
 */
export function blameClaims(error: unknown): never {
  throw error instanceof TypeError ? new HookFailed('claims', { cause: error }) : error;
}
