import type { AccessTokenService, JudgedToken } from '../access-token/access-token.service.js';
import type { SessionDenylist } from '../access-token/session-denylist.js';
import type { RequestAuthenticator } from '../authentication/request-authenticator.js';
import type { Authentication } from '../authentication/token-operation.js';
import { ContextUnsupported, SessionMismatch, TokenError, TokenMissing } from '../errors/token.errors.js';
import type { Principal } from '../principal/principal.js';
import type { TokenLocation } from '../transport/token-location.js';
import type { Credential, TokenTransport } from '../transport/token-transport.js';
import { givenToken } from './handshake.js';
import type { SocketConnection } from './socket-connection.js';
import { connectionOf } from './socket-connection.js';
import type { WebSocketSettings } from './socket.options.js';
import { SocketWatch } from './socket-watch.js';
import { wsExceptionOf } from './ws-exception.js';

/** What the service works with. */
export interface SocketPorts {
  readonly authenticator: RequestAuthenticator;
  readonly accessTokens: AccessTokenService;
  readonly denylist: SessionDenylist;
  readonly transport: TokenTransport;
  /** Tells who listens that a token was refused. */
  readonly errors: { report(error: TokenError): void };
}

/** What an instance knows of one socket. */
interface Presence {
  /** The token that counts instead of those of the request: from the handshake's payload, or from {@link TokenSockets.authenticate}. */
  token: Credential | undefined;
  /** Who has identified himself on the socket, and the verified token that says so. Nobody else can take it over. */
  holder: { readonly principal: Principal; readonly judged: JudgedToken } | undefined;
  /** Calls of {@link TokenSockets.authenticate} so far, and the last one that has replaced the token. */
  calls: number;
  lastReplacement: number;
}

/** One operation on a socket. */
interface SocketOperation {
  readonly connection: SocketConnection;
  /** Stands for the message. */
  readonly operation: object;
  readonly locations?: readonly TokenLocation[] | undefined;
}

/**
 * The sockets of gateways, and whose they are. Inject it into a gateway to learn who has opened a socket, and to let a client send a new
 * access token on an open socket. With `TokenModule`s that have names, use {@link InjectTokenSockets}.
 *
 * @example
 * ```ts
 * @WebSocketGateway()
 * @UseGuards(JwtAuthGuard)
 * class ChatGateway implements OnGatewayConnection {
 *   constructor(private readonly sockets: TokenSockets) {}
 *
 *   async handleConnection(client: Socket) {
 *     const user = this.sockets.callerOf(client);
 *     if (user) await client.join(`user:${user.sub}`);
 *   }
 *
 *   @SubscribeMessage('authenticate')
 *   async authenticate(@ConnectedSocket() client: Socket, @MessageBody('token') token: unknown) {
 *     const { exp } = await this.sockets.authenticate(client, token);
 *     return { event: 'authenticated', data: { exp } };
 *   }
 * }
 * ```
 */
export class TokenSockets {
  private readonly presences = new WeakMap<SocketConnection, Presence>();
  private readonly watch: SocketWatch | null;

  /** @internal */
  constructor(
    { closeOnExpiry }: WebSocketSettings,
    private readonly ports: SocketPorts,
  ) {
    this.watch = closeOnExpiry ? new SocketWatch(ports) : null;
  }

  /**
   * Returns the caller who has opened a socket, or `undefined` if the socket has no good access token at this moment. It does no I/O. Use
   * it in `handleConnection` and before sending. In the handler of a message, `@CurrentUser()` is the caller.
   *
   * It knows the sockets of gateways that `JwtAuthGuard` guards.
   * @param client the client, as the platform gives it to the gateway.
   */
  callerOf(client: object): Principal | undefined {
    const connection = connectionOf(client);
    const holder = connection && this.presences.get(connection)?.holder;
    return holder && !this.ports.accessTokens.judge(holder.judged) ? { ...holder.principal } : undefined;
  }

  /**
   * Replaces the access token of an open socket. Call it in the handler of a message with which your client sends a new token before the
   * old one expires. The new token must be good, and belong to the same session. A socket without a caller gets one. A token that is
   * refused changes nothing.
   * @param client the client, as the platform gives it to the gateway.
   * @param token the access token that the client has sent. Anything may be in it.
   * @returns the caller that the new token speaks for. `exp` says when to send the next one.
   * @throws {WsException} rejects with it, so that the client gets an `exception` with an `errorCode`: that of `AccessTokenService.verify`
   * or of `loadUser`, `token_missing`, or `session_mismatch` for the token of another session.
   */
  async authenticate(client: object, token: unknown): Promise<Principal> {
    try {
      return await this.replaceToken(client, givenToken(token));
    } catch (error) {
      if (!(error instanceof TokenError)) throw error;
      this.ports.errors.report(error);
      throw await wsExceptionOf(error);
    }
  }

  /**
   * Finds out who has sent a message, or has opened a socket.
   * @throws {TokenError} throws it or rejects with it.
   * @internal
   */
  judge({ connection, operation, locations }: SocketOperation): Authentication | Promise<Authentication> {
    const { token: access } = this.presenceOf(connection);
    const authentication = this.ports.authenticator.authenticate(
      { operation, request: connection.handshake.request, response: undefined, isSafe: false, ...(access && { credentials: { access } }) },
      locations,
    );
    if (!(authentication instanceof Promise)) return this.note(connection, authentication);
    return authentication.then((done) => this.note(connection, done));
  }

  /**
   * Returns the access token with which the messages of a socket are admitted at this moment.
   * @internal
   */
  accessTokenOf(connection: SocketConnection, locations?: readonly TokenLocation[]): string | undefined {
    const { token } = this.presenceOf(connection);
    return (token ?? this.ports.transport.read(connection.handshake.request, locations).access)?.token;
  }

  /** Stops watching sockets. Nest calls it when the application closes. @internal */
  onModuleDestroy(): void {
    this.watch?.stop();
  }

  /** Number of sockets that are watched, for tests. @internal */
  get watchedSockets(): number {
    return this.watch?.size ?? 0;
  }

  private async replaceToken(client: object, access: Credential | undefined): Promise<Principal> {
    const connection = connectionOf(client);
    if (!connection) throw new ContextUnsupported();
    if (!access) throw new TokenMissing();
    const presence = this.presenceOf(connection);
    const call = ++presence.calls;
    const operation = { operation: {}, request: connection.handshake.request, response: undefined, isSafe: false };
    const { principal } = await this.ports.authenticator.authenticate({ ...operation, credentials: { access } });
    if (presence.holder && !isSameSession(presence.holder.principal, principal)) throw new SessionMismatch();
    // Of two calls at the same time, the later one counts, whichever is verified first.
    if (call < presence.lastReplacement) return principal;
    presence.lastReplacement = call;
    presence.token = access;
    this.hold(connection, access.token, principal);
    return principal;
  }

  private presenceOf(connection: SocketConnection): Presence {
    const known = this.presences.get(connection);
    if (known) return known;
    const token = connection.handshake.token(this.ports.transport);
    const presence: Presence = { token, holder: undefined, calls: 0, lastReplacement: 0 };
    this.presences.set(connection, presence);
    return presence;
  }

  private note(connection: SocketConnection, authentication: Authentication): Authentication {
    const { principal, credentials } = authentication;
    const { holder } = this.presenceOf(connection);
    const token = credentials.access?.token;
    if (token !== undefined && !holder) this.hold(connection, token, principal);
    return authentication;
  }

  private hold(connection: SocketConnection, token: string, principal: Principal): void {
    // The application may change the principal that its handler gets.
    const own = { ...principal };
    const judged = this.ports.accessTokens.recall(token) ?? { claims: own };
    this.presenceOf(connection).holder = { principal: own, judged };
    if (this.watch) connection.onOpen(() => this.watch?.watch(connection, judged));
  }
}

function isSameSession(one: Principal, other: Principal): boolean {
  return one.sub === other.sub && one.sid === other.sid;
}
