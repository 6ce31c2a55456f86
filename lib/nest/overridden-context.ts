import type { TokenError } from '../errors/token.errors.js';
import type { TokenRequest } from '../transport/token-transport.js';
import { NO_REQUEST, RequestContext } from './request-context.js';

/** What a subclass of the guard says of an operation. Asked when it is needed. */
export interface ContextOverrides {
  readonly request: () => TokenRequest | undefined;
  readonly response: () => object | undefined;
}

/** An operation whose request and response a subclass of the guard knows better than its kind of context does. */
export class OverriddenContext extends RequestContext {
  private known: TokenRequest | undefined;

  constructor(
    private readonly standard: RequestContext,
    private readonly overrides: ContextOverrides,
  ) {
    super(standard.host);
  }

  override get request(): TokenRequest {
    return (this.known ??= this.requestOrNone());
  }

  override get response(): object | undefined {
    return this.overrides.response();
  }

  override get operation(): object {
    return this.standard.operation;
  }

  private requestOrNone(): TokenRequest {
    const request = this.overrides.request();
    return request?.headers ? request : NO_REQUEST;
  }

  override fail(error: TokenError): Error | Promise<Error> {
    return this.standard.fail(error);
  }
}
