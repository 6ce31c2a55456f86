import type { ExecutionContext } from '@nestjs/common';
import type { TokenError } from '../errors/token.errors.js';
import type { SocketConnection } from '../sockets/socket-connection.js';
import type { TokenLocation } from '../transport/token-location.js';
import type { TokenRequest } from '../transport/token-transport.js';
import { operationOf } from './operation.js';

/** Where an access token is looked for. */
export type Locations = readonly TokenLocation[];

/** The request of a context that carries none. It has no headers, and so no tokens. */
export const NO_REQUEST: TokenRequest = Object.freeze({ headers: Object.freeze({}) });

/**
 * Port: one operation (a request, a GraphQL operation or a message) as the guard, the interceptor, the filter and the decorators see it.
 */
export abstract class RequestContext {
  /** @param host the context that Nest has made for the operation. */
  constructor(readonly host: ExecutionContext) {}

  /** The request that carries the tokens. A context that carries none has an empty one. */
  abstract readonly request: TokenRequest;
  /** The response of the platform, or `undefined` if none can carry new tokens. Nothing is refreshed then. */
  abstract readonly response: object | undefined;
  /** Whether the operation only reads, so that no page can do harm by sending it. */
  abstract readonly isSafe: boolean;

  /** The object that stands for this one operation. */
  get operation(): object {
    return operationOf(this.host);
  }

  /** The socket that the operation came on, if its handshake is known. The tokens are those of the socket then. */
  get connection(): SocketConnection | undefined {
    return undefined;
  }

  /**
   * Returns where the operation carries its access token. `undefined` means: where the options say.
   * @param ofRoute where the route looks for it, if it says so.
   * @param _ofMessages where messages of microservices carry it.
   */
  locationsOf(ofRoute: Locations | undefined, _ofMessages: Locations): Locations | undefined {
    return ofRoute;
  }

  /**
   * Returns the error in the form that the clients of this kind of context expect. It is the error itself over HTTP, and for GraphQL,
   * because every driver passes its `extensions` on.
   */
  fail(error: TokenError): Error | Promise<Error> {
    return error;
  }
}

/** Tells whether a method only reads (RFC 9110 §9.2.1). */
export function isSafeMethod(method: string | undefined): boolean {
  return method === 'GET' || method === 'HEAD' || method === 'OPTIONS';
}
