import type { TokenError } from '../errors/token.errors.js';
import type { OutageLog } from '../events/outage-log.js';
import type { RejectionReporter } from '../events/rejection-reporter.js';
import { rawResponseOf } from '../transport/response-tokens.js';
import type { Credentials, TokenTransport } from '../transport/token-transport.js';
import type { ErrorBodyHook } from './error-body.js';
import type { RequestContext } from './request-context.js';

/** Settings of the responses to errors. */
export interface ErrorResponseSettings {
  /** Scheme of the challenge. It is that of the module, or `Bearer` where tokens travel without a scheme. */
  readonly scheme: string;
  /** Whether a final verdict deletes cookies. False if another service has set them. */
  readonly tidiesCookies: boolean;
  readonly errorBody?: ErrorBodyHook | undefined;
}

/** What a response to an error works with. */
export interface ErrorResponsePorts {
  readonly outages: OutageLog;
  readonly rejections: RejectionReporter;
  readonly transport: TokenTransport;
}

/**
 * The error for which the response of an operation has been prepared. An error passes the interceptor, the guard or the filter, and
 * sometimes two of them.
 */
const PREPARED = new WeakMap<object, TokenError>();

/**
 * Gives the response to an error its challenge, its `Retry-After` and its body, and makes the browser delete cookies that a final verdict
 * has made worthless.
 */
export class ErrorResponse {
  constructor(
    private readonly settings: ErrorResponseSettings,
    private readonly ports: ErrorResponsePorts,
  ) {}

  /**
   * Prepares the response, once for each operation. Requests that share a refresh share its error. The guard and the interceptor call it
   * where the error passes them, because a filter of a library never runs when the application has a filter that catches everything.
   * @param judged the tokens that the error is a verdict on. Left out if it may be about others: cookies are not touched then.
   */
  prepare(error: TokenError, context: RequestContext, judged?: Credentials): void {
    const { operation, response } = context;
    if (PREPARED.get(operation) === error) return;
    PREPARED.set(operation, error);
    const { scheme, errorBody } = this.settings;
    this.report(error);
    if (errorBody) error.shapeBody(errorBody(error, context.host));
    const raw = response && rawResponseOf(response);
    if (!raw || raw.headersSent) return;
    const challenge = challengeOf(error, scheme);
    if (challenge !== null) raw.setHeader('WWW-Authenticate', challenge);
    if (error.retryAfter !== null) raw.setHeader('Retry-After', String(error.retryAfter));
    if (judged) this.tidyCookies(error, context, judged);
  }

  /** Tells who listens that a request was refused, and logs an error that is no verdict on the client, at most once a second. */
  report(error: TokenError): void {
    this.ports.rejections.report(error);
    if (error.getStatus() >= 500) this.ports.outages.report(error);
  }

  /** A fault, and a verdict that a later request may overcome, leave the cookies alone (docs/rotation.md §5.6). */
  private tidyCookies(error: TokenError, { request, response }: RequestContext, judged: Credentials): void {
    if (!this.settings.tidiesCookies || request.headers.cookie === undefined || !response) return;
    const { transport } = this.ports;
    if (error.terminal && concernsCookies(error, judged)) transport.clear(response, request);
    transport.heal(response, request, error.errorCode === 'session_mismatch' && judged.access?.source === 'cookie');
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

/**
 * Tells whether a final verdict was passed on tokens that came in cookies. An access token in a header may belong to another session than
 * the cookie, so a verdict on it leaves the cookie alone.
 */
function concernsCookies({ errorCode }: TokenError, { access, refresh }: Credentials): boolean {
  const isAboutAccess = errorCode.startsWith('token_') || errorCode === 'user_rejected';
  return (isAboutAccess ? (access ?? refresh) : refresh)?.source === 'cookie';
}
