import type { TransportMode } from 'nestjs-token';
import type { ReceivedTokens, Selection } from '../../support/token-store.js';
import { TokenStore } from '../../support/token-store.js';
import type { Oracle } from '../oracle.js';
import { exchange } from './exchange.js';

/** Where a request goes: a process, or a proxy in front of one. */
export interface Target {
  readonly port: number;
}

/** One request of a client, and what became of it. Instants are `performance.now()`. */
export interface Exchange extends ReceivedTokens {
  readonly subject: string;
  readonly sessionId: string;
  readonly sentAt: number;
  readonly doneAt: number;
  /** The refresh token that was presented, if one was. */
  readonly presented: string | undefined;
  /** null: no answer. */
  readonly status: number | null;
  readonly errorCode: string | undefined;
  readonly retryAfter: string | undefined;
  /** Whether Fastify has answered by itself, because it is closing. */
  readonly isFarewell: boolean;
  /** Whether the request was to sign out. */
  readonly isSignOut: boolean;
}

export interface SendOptions {
  path?: string;
  method?: string;
  timeoutMs?: number;
}

/** Who signs in where. */
export interface SignIn {
  readonly target: Target;
  readonly subject: string;
  readonly transport: TransportMode;
}

/** What Fastify says, with a 503, to requests that come in while it closes: no part of the application sees them. */
const FAREWELL = '{"error":"Service Unavailable","message":"Service Unavailable","statusCode":503}';
const NOTHING: ReceivedTokens = { access: undefined, refresh: undefined, deleted: [], isExposed: false };

/** A client that keeps its tokens as its transport has it, and tells the oracle everything. */
export class FaultClient {
  /** The last tokens that it was ever given, whatever it has been told to delete since. */
  private last: { access: string | undefined; refresh: string | undefined };

  private constructor(
    private readonly oracle: Oracle,
    readonly subject: string,
    readonly sessionId: string,
    private readonly store: TokenStore,
  ) {
    this.last = { access: store.access, refresh: store.refresh };
  }

  static async signIn(oracle: Oracle, { target, subject, transport }: SignIn): Promise<FaultClient> {
    const answer = await exchange({ port: target.port, path: '/login', method: 'POST', body: { subject } });
    if (answer?.status !== 200) throw new Error(`sign-in: ${answer?.status ?? 'no answer'} ${answer?.text ?? ''}`);
    const { session_id: sessionId = '' } = JSON.parse(answer.text) as Record<string, string>;
    const store = new TokenStore(transport);
    store.receive(answer);
    const client = new FaultClient(oracle, subject, sessionId, store);
    oracle.admit(client);
    return client;
  }

  get access(): string | undefined {
    return this.store.access;
  }

  set access(token: string | undefined) {
    this.store.access = token;
    this.last.access = token;
  }

  /** Empty: a browser that has been told to delete it. */
  get refreshToken(): string {
    return this.store.refresh ?? '';
  }

  set refreshToken(token: string) {
    this.store.refresh = token;
    this.last.refresh = token;
  }

  /** A second tab, device or thief with the same tokens. */
  copy(): FaultClient {
    const copy = new FaultClient(this.oracle, this.subject, this.sessionId, this.store.copy());
    this.oracle.admit(copy);
    return copy;
  }

  /** Somebody who has kept the tokens that this client has been told to delete. */
  hoarder(): FaultClient {
    const hoarder = new FaultClient(this.oracle, this.subject, this.sessionId, this.store.copy());
    hoarder.access = this.last.access;
    hoarder.refreshToken = this.last.refresh ?? '';
    return hoarder;
  }

  /** A request whose access token is over: it presents the refresh token. */
  refresh(target: Target, options: SendOptions = {}): Promise<Exchange> {
    return this.send(target, 'refresh', options);
  }

  /** A request with the access token alone. */
  visit(target: Target, options: SendOptions = {}): Promise<Exchange> {
    return this.send(target, 'access', options);
  }

  /** A request with both tokens, as browsers send them that do not watch their clocks. */
  both(target: Target, options: SendOptions = {}): Promise<Exchange> {
    return this.send(target, 'both', options);
  }

  /** What such a request carries, for tests that send it themselves. */
  headers(selection: Selection, method = 'GET'): Record<string, string> {
    return this.store.headers(selection, method);
  }

  private async send({ port }: Target, selection: Selection, { path = '/me', method = 'GET', ...options }: SendOptions): Promise<Exchange> {
    const presented = selection === 'access' ? undefined : this.store.refresh;
    const headers = this.store.headers(selection, method);
    const sentAt = performance.now();
    const answer = await exchange({ port, path, method, headers, ...options });
    const received = answer ? this.store.receive(answer) : NOTHING;
    this.last = { access: received.access ?? this.last.access, refresh: this.store.refresh ?? received.refresh ?? this.last.refresh };
    const done: Exchange = {
      ...received,
      subject: this.subject,
      sessionId: this.sessionId,
      sentAt,
      doneAt: performance.now(),
      presented,
      status: answer?.status ?? null,
      errorCode: errorCodeOf(answer?.text ?? ''),
      retryAfter: answer?.headers['retry-after'],
      isFarewell: answer?.text === FAREWELL,
      isSignOut: path === '/logout',
    };
    this.oracle.record(done);
    return done;
  }
}

function errorCodeOf(text: string): string | undefined {
  try {
    return (JSON.parse(text) as { errorCode?: string }).errorCode;
  } catch {
    return undefined;
  }
}
