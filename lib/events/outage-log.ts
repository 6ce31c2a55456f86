import { Logger } from '@nestjs/common';
import type { TokenError } from '../errors/token.errors.js';
import { HookFailed, HookTimeout } from '../errors/token.errors.js';
import type { TokenErrorCode } from '../protocol/token-errors.js';

/** Says in the log why responses are 5xx, at most once a second for each error code. */
export class OutageLog {
  private readonly logger = new Logger('TokenModule');
  private readonly silentUntil = new Map<TokenErrorCode, number>();

  report(error: TokenError): void {
    const now = performance.now();
    if (now < (this.silentUntil.get(error.errorCode) ?? -Infinity)) return;
    this.silentUntil.set(error.errorCode, now + 1_000);
    const { cause } = error;
    // A hook is code of the application. Its developers need the stack to find the mistake.
    if (error instanceof HookFailed) this.logger.error(`${error.errorCode}: ${error.hook}`, stackOf(cause));
    else this.logger.error(`${error.errorCode}: ${error instanceof HookTimeout ? error.hook : nameOf(cause)}`);
  }
}

/** Returns the stack of an error. A value that is not an `Error` is not quoted, because it may contain a credential. */
function stackOf(cause: unknown): string {
  return cause instanceof Error ? (cause.stack ?? `${cause.name}: ${cause.message}`) : `${typeof cause} was thrown, not an Error`;
}

/**
 * Returns the name of an error, and its code if that is short. Messages of drivers contain addresses and user names, so they are not
 * logged.
 */
function nameOf(cause: unknown): string {
  if (cause === undefined) return 'too many conflicts';
  const { name, code } = Object(cause) as { name?: unknown; code?: unknown };
  return `${isShort(name) ? name : 'Error'}${isShort(code) ? ` (${code})` : ''}`;
}

function isShort(text: unknown): text is string {
  return typeof text === 'string' && /^[A-Za-z0-9_]{1,40}$/.test(text);
}
