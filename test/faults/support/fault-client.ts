import { partsOf } from '../../support/refresh-token.js';
import type { Oracle } from '../oracle.js';
import { exchange } from './exchange.js';

/** Where a request goes: a process, or a proxy in front of one. */
export interface Target {
  readonly port: number;
}

/** One request of a client, and what became of it. Instants are `performance.now()`. */
export interface Exchange {
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
  /** Tokens on the answer. */
  readonly access: string | undefined;
  readonly refresh: string | undefined;
}

export interface SendOptions {
  path?: string;
  method?: string;
  timeoutMs?: number;
}

/** What Fastify says, with a 503, to requests that come in while it closes: no part of the application sees them. */
const FAREWELL = '{"error":"Service Unavailable","message":"Service Unavailable","statusCode":503}';

/** A client that keeps the newest refresh token it has received, never goes back to an older one, and tells the oracle everything. */
export class FaultClient {
  access: string | undefined;
  refreshToken: string;

  constructor(
    private readonly oracle: Oracle,
    readonly subject: string,
    readonly sessionId: string,
    tokens: { access: string; refresh: string },
  ) {
    this.access = tokens.access;
    this.refreshToken = tokens.refresh;
  }

  static async signIn(oracle: Oracle, target: Target, subject: string): Promise<FaultClient> {
    const answer = await exchange({ port: target.port, path: '/login', method: 'POST', body: { subject } });
    if (answer?.status !== 200) throw new Error(`sign-in: ${answer?.status ?? 'no answer'} ${answer?.text ?? ''}`);
    const { session_id, access_token, refresh_token } = JSON.parse(answer.text) as Record<string, string>;
    const client = new FaultClient(oracle, subject, session_id!, { access: access_token!, refresh: refresh_token! });
    oracle.admit(client);
    return client;
  }

  /** A second tab, device or thief with the same tokens. */
  copy(): FaultClient {
    const copy = new FaultClient(this.oracle, this.subject, this.sessionId, { access: this.access ?? '', refresh: this.refreshToken });
    this.oracle.admit(copy);
    return copy;
  }

  /** A request whose access token is over: it presents the refresh token. */
  refresh(target: Target, options: SendOptions = {}): Promise<Exchange> {
    return this.send(target, { 'x-refresh-token': this.refreshToken }, options);
  }

  /** A request with the access token alone. */
  visit(target: Target, options: SendOptions = {}): Promise<Exchange> {
    return this.send(target, { authorization: `Bearer ${this.access ?? ''}` }, options);
  }

  /** A request with both tokens, as browsers send them that do not watch their clocks. */
  both(target: Target, options: SendOptions = {}): Promise<Exchange> {
    return this.send(target, { authorization: `Bearer ${this.access ?? ''}`, 'x-refresh-token': this.refreshToken }, options);
  }

  private async send({ port }: Target, headers: Record<string, string>, { path = '/me', ...options }: SendOptions): Promise<Exchange> {
    const sentAt = performance.now();
    const answer = await exchange({ port, path, headers, ...options });
    const access = answer?.headers.authorization?.replace('Bearer ', '');
    const refresh = answer?.headers['x-refresh-token'] as string | undefined;
    const done: Exchange = {
      subject: this.subject,
      sessionId: this.sessionId,
      sentAt,
      doneAt: performance.now(),
      presented: headers['x-refresh-token'],
      status: answer?.status ?? null,
      errorCode: errorCodeOf(answer?.text ?? ''),
      retryAfter: answer?.headers['retry-after'],
      isFarewell: answer?.text === FAREWELL,
      access,
      refresh,
    };
    if (access !== undefined) this.access = access;
    if (refresh !== undefined && isNewer(refresh, this.refreshToken)) this.refreshToken = refresh;
    this.oracle.record(done);
    return done;
  }
}

/** Whether the one token stands behind the other in their session. */
export function isNewer(one: string, other: string): boolean {
  const [a, b] = [partsOf(one), partsOf(other)];
  return a.generation > b.generation || (a.generation === b.generation && a.branch > b.branch);
}

function errorCodeOf(text: string): string | undefined {
  try {
    return (JSON.parse(text) as { errorCode?: string }).errorCode;
  } catch {
    return undefined;
  }
}
