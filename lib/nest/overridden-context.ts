import type { TokenError } from '../errors/token.errors.js';
import type { SocketConnection } from '../sockets/socket-connection.js';
import type { TokenRequest } from '../transport/token-transport.js';
import type { Locations } from './request-context.js';
import { NO_REQUEST, RequestContext } from './request-context.js';

/** What a subclass of the guard says about an operation. Each function is called when its result is needed. */
export interface ContextOverrides {
  readonly request: () => TokenRequest | undefined;
  readonly response: () => object | undefined;
}

/** The context of an operation for which a subclass of the guard overrides the request or the response. */
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

  override get isSafe(): boolean {
    return this.standard.isSafe;
  }

  override get connection(): SocketConnection | undefined {
    return this.isRequestStandard ? this.standard.connection : undefined;
  }

  override locationsOf(ofRoute: Locations | undefined, ofMessages: Locations): Locations | undefined {
    return this.isRequestStandard ? this.standard.locationsOf(ofRoute, ofMessages) : ofRoute;
  }

  /** A subclass may override the response only, or fall back to the request that the guard itself would take. */
  private get isRequestStandard(): boolean {
    return this.request === this.standard.request;
  }

  private requestOrNone(): TokenRequest {
    const request = this.overrides.request();
    return request?.headers ? request : NO_REQUEST;
  }

  override fail(error: TokenError): Error | Promise<Error> {
    return this.standard.fail(error);
  }
}
