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
    // The application has to find a mistake in a hook of its own: it needs the stack.
    if (error instanceof HookFailed) this.logger.error(`${error.errorCode}: ${error.hook}`, stackOf(cause));
    else this.logger.error(`${error.errorCode}: ${error instanceof HookTimeout ? error.hook : nameOf(cause)}`);
  }
}

/** A value that is no `Error` may be anything, a credential too: it is not quoted. */
function stackOf(cause: unknown): string {
  return cause instanceof Error ? (cause.stack ?? `${cause.name}: ${cause.message}`) : `${typeof cause} was thrown, not an Error`;
}

/** The name of an error and, where it has a short one, its code. Messages of drivers hold addresses and user names: they are not logged. */
function nameOf(cause: unknown): string {
  if (cause === undefined) return 'too many conflicts';
  const { name, code } = Object(cause) as { name?: unknown; code?: unknown };
  return `${isShort(name) ? name : 'Error'}${isShort(code) ? ` (${code})` : ''}`;
}

function isShort(text: unknown): text is string {
  return typeof text === 'string' && /^[A-Za-z0-9_]{1,40}$/.test(text);
}
