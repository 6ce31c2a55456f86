import { NO_REQUEST, RequestContext } from './request-context.js';

/** An operation of a kind that this package does not know. It carries no tokens. */
export class UnknownContext extends RequestContext {
  override readonly isSafe = false;
  override readonly request = NO_REQUEST;
  override readonly response = undefined;
}
