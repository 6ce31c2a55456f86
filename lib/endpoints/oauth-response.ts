import type { TokenError } from '../errors/token.errors.js';
import { UNCACHEABLE } from '../transport/response-tokens.js';
import type { OAuthError } from './oauth-error.js';

/** The response of an OAuth endpoint. */
export interface OAuthResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON, or an empty text. */
  readonly body: string;
}

const JSON_TYPE = { 'Content-Type': 'application/json; charset=utf-8' };
/** RFC 7617 §2 requires a realm. */
const CHALLENGE = { 'WWW-Authenticate': 'Basic realm="nestjs-token", charset="UTF-8"' };

/** @param body null for an empty one. */
export function success(body: object | null): OAuthResponse {
  if (body === null) return { status: 200, headers: UNCACHEABLE, body: '' };
  return { status: 200, headers: { ...UNCACHEABLE, ...JSON_TYPE }, body: JSON.stringify(body) };
}

/** Returns the response of RFC 6749 §5.2. A client whose authentication fails gets a challenge. */
export function refusalOf({ error, status, message }: OAuthError): OAuthResponse {
  const challenge = status === 401 ? CHALLENGE : {};
  return { status, headers: { ...UNCACHEABLE, ...JSON_TYPE, ...challenge }, body: errorBody(error, message) };
}

/** Returns the response to a failure for which RFC 6749 has no code: the status and the code of the error. */
export function failureOf(error: TokenError): OAuthResponse {
  return { status: error.getStatus(), headers: { ...UNCACHEABLE, ...JSON_TYPE }, body: errorBody(error.errorCode, error.message) };
}

function errorBody(error: string, description: string): string {
  return JSON.stringify({ error, error_description: description });
}
