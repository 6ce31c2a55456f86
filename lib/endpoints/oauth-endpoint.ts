import { TokenError } from '../errors/token.errors.js';
import type { RequestContext } from '../nest/request-context.js';
import type { TokenInstance } from '../nest/token-instance.js';
import type { ClientRegistry } from './client-registry.js';
import { OAuthError } from './oauth-error.js';
import type { OAuthResponse } from './oauth-response.js';
import { failureOf, refusalOf, success } from './oauth-response.js';
import { Parameters } from './parameters.js';

/** What one OAuth endpoint does, once the client is known. */
export interface OAuthOperation {
  /**
   * Returns the body of the response, or null for none.
   * @throws {OAuthError | TokenError} rejects with it.
   */
  perform(parameters: Parameters): Promise<object | null>;
}

/** What an endpoint works with. */
export interface OAuthPorts {
  readonly operation: OAuthOperation;
  readonly clients: ClientRegistry;
  readonly instance: Pick<TokenInstance, 'errors'>;
}

/** Handles the requests to one OAuth endpoint: checks the client, performs the operation, and turns every outcome into a response. */
export class OAuthEndpoint {
  /** @param requiresClient whether the client must authenticate. */
  constructor(
    private readonly requiresClient: boolean,
    private readonly ports: OAuthPorts,
  ) {}

  /** Handles a request. What is no error of this package is thrown on. */
  async handle(context: RequestContext): Promise<OAuthResponse> {
    const { request } = context;
    try {
      const parameters = new Parameters(request.body);
      this.ports.clients.authenticate(request.headers.authorization, parameters, this.requiresClient);
      return success(await this.ports.operation.perform(parameters));
    } catch (error) {
      return this.refusalOf(error, context);
    }
  }

  /** A final verdict is `invalid_grant`. Everything else leaves the tokens as they are, so it keeps its code and its status. */
  private refusalOf(error: unknown, context: RequestContext): OAuthResponse {
    if (error instanceof OAuthError) return refusalOf(error);
    if (!(error instanceof TokenError)) throw error;
    if (error.getStatus() === 401) {
      this.ports.instance.errors.report(error);
      return refusalOf(new OAuthError('invalid_grant', error.message));
    }
    // It writes an outage to the log, and Retry-After to the response.
    this.ports.instance.errors.prepare(error, context);
    return failureOf(error);
  }
}
