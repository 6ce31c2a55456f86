import type { RequestAuthenticator } from '../authentication/request-authenticator.js';
import type { Clock } from '../clock.js';
import { DEFAULT_NAME } from '../keys/key-ring.js';
import type { IssuedTokens, TokenTransport } from '../transport/token-transport.js';
import type { ErrorResponse } from './error-response.js';
import type { RequestContext } from './request-context.js';

/** Injection token of the {@link TokenInstance} with a name. */
export const tokenInstanceToken = (name: string = DEFAULT_NAME): string => `nestjs-token:TokenInstance:${name}`;

/** The services of an instance that guard, interceptor and filter need. */
export interface InstancePorts {
  readonly authenticator: RequestAuthenticator;
  readonly transport: TokenTransport;
  readonly errors: ErrorResponse;
  readonly clock: Clock;
}

/**
 * One instance of the module as guard, interceptor and filter use it. Nest's container has made everything in it, so tests can override it.
 */
export class TokenInstance {
  readonly authenticator: RequestAuthenticator;
  readonly errors: ErrorResponse;
  readonly clock: Clock;
  private readonly transport: TokenTransport;

  constructor(
    readonly name: string,
    { authenticator, transport, errors, clock }: InstancePorts,
  ) {
    this.authenticator = authenticator;
    this.transport = transport;
    this.errors = errors;
    this.clock = clock;
  }

  /** Puts tokens on the response of an operation, if it has one. */
  deliver({ response }: RequestContext, issued: IssuedTokens): void {
    if (response) this.transport.write(response, issued);
  }
}
