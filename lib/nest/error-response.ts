import type { TokenError } from '../errors/token.errors.js';
import type { OutageLog } from '../events/outage-log.js';
import { rawResponseOf } from '../transport/response-headers.js';
import type { ErrorBodyHook } from './error-body.js';
import type { RequestContext } from './request-context.js';

/** Settings of the responses to errors. */
export interface ErrorResponseSettings {
  /** Scheme of the challenge. It is that of the module, or `Bearer` where tokens travel without a scheme. */
  readonly scheme: string;
  readonly errorBody?: ErrorBodyHook | undefined;
}

/**
 * The error for which the response of an operation has been prepared. An error passes the interceptor, the guard or the filter, and
 * sometimes two of them.
 */
const PREPARED = new WeakMap<object, TokenError>();

/** Gives the response to an error its challenge, its `Retry-After` and its body. */
export class ErrorResponse {
  constructor(
    private readonly settings: ErrorResponseSettings,
    private readonly outages: OutageLog,
  ) {}

  /**
   * Prepares the response, once for each operation. Requests that share a refresh share its error. The guard and the interceptor call it where
   * the error passes them, because a filter of a library never runs when the application has a filter that catches everything.
   */
  prepare(error: TokenError, context: RequestContext): void {
    const { operation, response } = context;
    if (PREPARED.get(operation) === error) return;
    PREPARED.set(operation, error);
    const { scheme, errorBody } = this.settings;
    if (error.getStatus() >= 500) this.outages.report(error);
    if (errorBody) error.shapeBody(errorBody(error, context.host));
    const raw = response && rawResponseOf(response);
    if (!raw || raw.headersSent) return;
    const challenge = challengeOf(error, scheme);
    if (challenge !== null) raw.setHeader('WWW-Authenticate', challenge);
    if (error.retryAfter !== null) raw.setHeader('Retry-After', String(error.retryAfter));
  }
}

/**
 * Returns the `WWW-Authenticate` value of an error (RFC 6750 §3), or null, because only a 401 has one. The text is constant and holds
 * nothing of the request.
 */
function challengeOf(error: TokenError, scheme: string): string | null {
  if (error.getStatus() !== 401) return null;
  return error.wireError === null ? scheme : `${scheme} error="${error.wireError}", error_description="${error.message}"`;
}
