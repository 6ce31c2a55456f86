import type { ExecutionContext } from '@nestjs/common';
import { Logger } from '@nestjs/common';
import type { TokenError } from '../errors/token.errors.js';
import { HookFailed, HookTimeout } from '../errors/token.errors.js';
import type { TokenErrorCode } from '../protocol/token-errors.js';
import type { ErrorBodyHook } from './error-body.js';
import { operationOf } from './request-context.js';
import { rawResponseOf } from '../transport/response-headers.js';

/** How errors are answered. */
export interface AnswerTerms {
  /** Scheme of the challenge: the module's, `Bearer` for bare tokens. */
  readonly scheme: string;
  readonly errorBody?: ErrorBodyHook;
  readonly outages: OutageLog;
}

/** Says why responses are 5xx, at most once a second for each code. */
export class OutageLog {
  private readonly logger = new Logger('TokenModule');
  private readonly silentUntil = new Map<TokenErrorCode, number>();

  report(error: TokenError): void {
    const now = performance.now();
    if (now < (this.silentUntil.get(error.errorCode) ?? -Infinity)) return;
    this.silentUntil.set(error.errorCode, now + 1_000);
    const { cause } = error;
    // A mistake in a hook is the application's to find: it wants the stack.
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

/** The `WWW-Authenticate` value of an error (RFC 6750 §3), or null: only a 401 has one. Constant text, nothing of the request. */
export function challengeOf(error: TokenError, scheme: string): string | null {
  if (error.getStatus() !== 401) return null;
  return error.wireError === null ? scheme : `${scheme} error="${error.wireError}", error_description="${error.message}"`;
}

/** The error that an operation has been prepared for: it passes the interceptor, the guard or the filter, and sometimes two of them. */
const PREPARED = new WeakMap<object, TokenError>();

/** Where an error is on its way to. */
export interface ErrorDestination {
  readonly context: ExecutionContext;
  /** The response that takes the headers, or `undefined` where there is none. */
  readonly response: object | undefined;
}

/**
 * Sets the challenge and `Retry-After`, and shapes the body, once for each operation. Requests that share a refresh share its error. The
 * guard and the interceptor call it where the error passes them, because a filter of a library never runs when the application has a filter
 * that catches everything.
 */
export function prepareAnswer(
  error: TokenError,
  { context, response }: ErrorDestination,
  { scheme, errorBody, outages }: AnswerTerms,
): void {
  const operation = operationOf(context);
  if (PREPARED.get(operation) === error) return;
  PREPARED.set(operation, error);
  if (error.getStatus() >= 500) outages.report(error);
  if (errorBody) error.shapeBody(errorBody(error, context));
  const raw = response && rawResponseOf(response);
  if (!raw || raw.headersSent) return;
  const challenge = challengeOf(error, scheme);
  if (challenge !== null) raw.setHeader('WWW-Authenticate', challenge);
  if (error.retryAfter !== null) raw.setHeader('Retry-After', String(error.retryAfter));
}
