import type { ExecutionContext } from '@nestjs/common';
import { Logger } from '@nestjs/common';
import { responseOf } from '../execution-context.js';
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

/**
 * Sets the challenge and `Retry-After`, and shapes the body. Done where the error passes us, not in a filter: a library's filter never runs
 * beside an application's catch-all filter.
 */
export function prepareAnswer(error: TokenError, context: ExecutionContext, { scheme, errorBody, outages }: AnswerTerms): void {
  if (error instanceof StoreUnavailable) outages.report(error);
  if (errorBody) error.shapeBody(errorBody(error, context));
  const response = responseOf(context);
  const raw = response && rawResponseOf(response);
  if (!raw || raw.headersSent) return;
  const challenge = challengeOf(error, scheme);
  if (challenge !== null) raw.setHeader('WWW-Authenticate', challenge);
  if (error.retryAfter !== null) raw.setHeader('Retry-After', String(error.retryAfter));
}
