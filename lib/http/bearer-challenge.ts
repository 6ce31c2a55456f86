import type { ExecutionContext } from '@nestjs/common';
import { Logger } from '@nestjs/common';
import type { TokenError } from '../token.errors.js';
import { StoreUnavailable } from '../token.errors.js';
import type { TokenModuleOptions } from '../token.options.js';
import { rawResponseOf } from './response-headers.js';

/** How errors are answered. */
export interface AnswerTerms {
  /** Scheme of the challenge: the module's, `Bearer` for bare tokens. */
  readonly scheme: string;
  readonly errorBody?: TokenModuleOptions['errorBody'];
  readonly outages: OutageLog;
}

/** Says why answers are 503, at most once a second. */
export class OutageLog {
  private readonly logger = new Logger('TokenModule');
  private silentUntil = -Infinity;

  report({ cause }: StoreUnavailable): void {
    const now = performance.now();
    if (now < this.silentUntil) return;
    this.silentUntil = now + 1_000;
    this.logger.error(`store_unavailable: ${cause instanceof Error ? `${cause.name}: ${cause.message}` : 'too many conflicts'}`);
  }
}

/** The `WWW-Authenticate` value of an error (RFC 6750 §3), or null: only a 401 has one. Constant text, nothing of the request. */
export function challengeOf(error: TokenError, scheme: string): string | null {
  if (error.getStatus() !== 401) return null;
  return error.wireError === null ? scheme : `${scheme} error="${error.wireError}", error_description="${error.message}"`;
}

/** Errors whose response has been prepared: an error passes the interceptor, the guard or the filter, and sometimes two of them. */
const PREPARED = new WeakSet<TokenError>();

/** Where an error is on its way to. */
export interface ErrorDestination {
  readonly context: ExecutionContext;
  /** The response that takes the headers, or `undefined` where there is none. */
  readonly response: object | undefined;
}

/**
 * Sets the challenge and `Retry-After`, and shapes the body, once for each error. The guard and the interceptor call it where the error
 * passes them, because a filter of a library never runs when the application has a filter that catches everything.
 */
export function prepareAnswer(
  error: TokenError,
  { context, response }: ErrorDestination,
  { scheme, errorBody, outages }: AnswerTerms,
): void {
  if (PREPARED.has(error)) return;
  PREPARED.add(error);
  if (error instanceof StoreUnavailable) outages.report(error);
  if (errorBody) error.shapeBody(errorBody(error, context));
  const raw = response && rawResponseOf(response);
  if (!raw || raw.headersSent) return;
  const challenge = challengeOf(error, scheme);
  if (challenge !== null) raw.setHeader('WWW-Authenticate', challenge);
  if (error.retryAfter !== null) raw.setHeader('Retry-After', String(error.retryAfter));
}
