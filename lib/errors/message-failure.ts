import type { TokenError } from './token.errors.js';

/** What a client of a gateway or a microservice learns about a {@link TokenError}. */
export interface MessageFailure {
  readonly status: 'error';
  readonly message: string;
  readonly errorCode: string;
}

/** Returns the part of an error that a message can carry. */
export function messageFailureOf({ message, errorCode }: TokenError): MessageFailure {
  return { status: 'error', message, errorCode };
}
