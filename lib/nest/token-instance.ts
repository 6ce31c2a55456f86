import type { CsrfTokens } from '../authentication/csrf-tokens.js';
import { csrfOwnerOf } from '../authentication/csrf-tokens.js';
import type { RequestAuthenticator } from '../authentication/request-authenticator.js';
import type { Authentication } from '../authentication/token-operation.js';
import type { Clock } from '../clock.js';
import { DEFAULT_NAME } from '../keys/key-ring.js';
import { TokenPair } from '../session/token-pair.js';
import type { AccessTokenResponse } from '../stateless/access-token-response.js';
import { concealAddress, rawResponseOf } from '../transport/response-tokens.js';
import { TokenError } from '../errors/token.errors.js';
import type { TokenSockets } from '../sockets/token-sockets.js';
import type { TokenLocation } from '../transport/token-location.js';
import type { Credentials, IssuedTokens, TokenRequest, TokenTransport } from '../transport/token-transport.js';
import type { SessionUses } from '../session/session-uses.js';
import type { SiteData } from './decorators.js';
import type { ErrorResponse } from './error-response.js';
import type { RequestContext } from './request-context.js';

/** Injection token of the {@link TokenInstance} with a name. */
export const tokenInstanceToken = (name: string = DEFAULT_NAME): string & { readonly provides?: TokenInstance } =>
  `nestjs-token:TokenInstance:${name}`;

/** The services of an instance that guard, interceptor and filter need. */
export interface InstancePorts {
  readonly authenticator: RequestAuthenticator;
  readonly transport: TokenTransport;
  readonly errors: ErrorResponse;
  readonly clock: Clock;
  /** Null if there is no protection against cross-site requests. */
  readonly csrf: CsrfTokens | null;
  /** Null if the last use of sessions is not noted. */
  readonly uses: SessionUses | null;
  /** Where a message of a microservice carries its access token. */
  readonly messageLocations: readonly TokenLocation[];
  readonly sockets: TokenSockets;
}

/**
 * One instance of the module as guard, interceptor and filter use it. Nest's container has made everything in it, so tests can override it.
 */
export class TokenInstance {
  readonly authenticator: RequestAuthenticator;
  readonly errors: ErrorResponse;
  readonly clock: Clock;
  readonly uses: SessionUses | null;
  readonly sockets: TokenSockets;
  private readonly transport: TokenTransport;
  private readonly csrf: CsrfTokens | null;
  private readonly messageLocations: readonly TokenLocation[];

  constructor(
    readonly name: string,
    { authenticator, transport, errors, clock, csrf, uses, messageLocations, sockets }: InstancePorts,
  ) {
    this.authenticator = authenticator;
    this.transport = transport;
    this.errors = errors;
    this.clock = clock;
    this.csrf = csrf;
    this.uses = uses;
    this.sockets = sockets;
    this.messageLocations = messageLocations;
  }

  /**
   * Returns where an operation carries its access token. `undefined` means: where the options say. The payload of a message loses the
   * members that may hold a token.
   */
  locationsOf(context: RequestContext, ofRoute: readonly TokenLocation[] | undefined): readonly TokenLocation[] | undefined {
    return context.locationsOf(ofRoute, this.messageLocations);
  }

  /**
   * Finds out who is calling, by the tokens of the request, or of the socket that a message came on.
   * @throws {TokenError} throws it or rejects with it.
   */
  authenticate(context: RequestContext, locations?: readonly TokenLocation[]): Authentication | Promise<Authentication> {
    const { connection } = context;
    if (!connection) return this.authenticator.authenticate(context, locations);
    return this.sockets.judge({ connection, operation: context.operation, locations });
  }

  /** Returns the access token with which the guard has admitted the caller. After a refresh inside the request, it is the new one. */
  async accessTokenOf(context: RequestContext, locations?: readonly TokenLocation[]): Promise<string | undefined> {
    const { connection } = context;
    return connection ? this.sockets.accessTokenOf(connection, locations) : this.authenticator.accessTokenOf(context, locations);
  }

  /**
   * Completes an authentication. It notes that the session is used, and puts new tokens and a CSRF token on the response. If the token came
   * in the address of the request, it also adds the headers that keep the address secret.
   */
  complete(context: RequestContext, { principal, credentials, issued }: Authentication): void {
    const { access, refresh } = credentials;
    this.uses?.note(principal.sid, context.request);
    if (!issued && access?.source === 'header' && refresh?.source !== 'cookie') return;
    const { response } = context;
    if (!response) return;
    if (issued) this.send(context, issued, credentials);
    if (access?.source === 'query') concealAddress(response);
    const isOfPage = issued !== null || (access?.source !== 'query' && access?.source !== 'body');
    if (isOfPage && (access?.source === 'cookie' || refresh?.source === 'cookie')) this.renewCsrf(context, csrfOwnerOf(principal), issued);
  }

  /** Puts what a handler has issued on the response. */
  deliver(context: RequestContext, issued: TokenPair | AccessTokenResponse): void {
    this.send(context, issued, this.transport.read(context.request));
    this.renewCsrf(context, issued instanceof TokenPair ? issued.sessionId : csrfOwnerOf(issued.claims), issued);
  }

  /** Prepares the response to an error that is a verdict on the tokens of the request. */
  refuse(error: TokenError, context: RequestContext, locations?: readonly TokenLocation[]): void {
    this.errors.prepare(error, context, this.transport.read(context.request, locations));
  }

  /** Refuses an operation in a guard. Rejects with the error in the form that its kind of context expects. */
  async fail(error: unknown, context: RequestContext, locations?: readonly TokenLocation[]): Promise<never> {
    if (!(error instanceof TokenError)) throw error;
    this.refuse(error, context, locations);
    throw await context.fail(error);
  }

  private send({ request, response }: RequestContext, issued: IssuedTokens, credentials: Credentials): void {
    if (!response) return;
    this.transport.write(response, issued, credentials);
    this.transport.heal(response, request);
  }

  /**
   * Makes the browser delete the cookies with tokens, and other data of the site. Takes back the tokens that are already on the response.
   */
  clear({ request, response }: RequestContext, siteData: readonly SiteData[]): void {
    if (!response || !this.mayClear(request)) return;
    const raw = rawResponseOf(response);
    if (siteData.length > 0 && !raw.headersSent) raw.setHeader('Clear-Site-Data', siteData.map((name) => `"${name}"`).join(', '));
    this.transport.clear(response);
    this.transport.heal(response, request);
  }

  /** A request without any of our cookies has nothing to delete. It may come from a page of another site. */
  private mayClear(request: TokenRequest): boolean {
    const csrf = this.transport.readCsrf(request);
    const { access, refresh } = this.transport.read(request);
    return csrf === null || csrf.cookie !== undefined || [access, refresh].some((credential) => credential?.source === 'cookie');
  }

  /** Puts a new CSRF token on the response if the request carries none, or that of another session. */
  private renewCsrf({ request, response }: RequestContext, owner: string, issued: IssuedTokens | null): void {
    const present = this.csrf && this.transport.readCsrf(request);
    if (!response || !this.csrf || !present || this.csrf.verify(present.cookie, owner)) return;
    this.transport.writeCsrf(response, this.csrf.issue(owner), issued ?? undefined);
  }
}
