import type { Clock } from '../clock.js';
import { StoreUnavailable, TokenRevoked } from '../errors/token.errors.js';
import { readJson } from '../keys/fetch-key-set.js';
import type { AccessTokenClaims } from './access-token.claims.js';
import { digestOf } from './verified-token.cache.js';

/** Settings of a {@link TokenIntrospector}. Spans are milliseconds. */
export interface IntrospectionSettings {
  readonly uri: string;
  /** Returns the value of the header `Authorization`. It is a function, so that `inspect()` does not show the secret. */
  readonly authorization: () => string;
  readonly cacheForMs: number;
  readonly timeoutMs: number;
}

/** What the endpoint has said about a token, and the instants between which it is used, in epoch milliseconds. */
interface Answer {
  readonly isActive: boolean;
  readonly from: number;
  readonly until: number;
}

const MAX_ANSWERS = 10_000;
const MAX_BYTES = 65_536;

/** Asks the service that issues access tokens whether it still accepts one (RFC 7662). Nothing that it says makes a refused token good. */
export class TokenIntrospector {
  /** By the SHA-256 of the token. When it is full, everything is forgotten. */
  private readonly answers = new Map<string, Answer>();
  private readonly underWay = new Map<string, Promise<boolean>>();

  constructor(
    private readonly settings: IntrospectionSettings,
    private readonly clock: Clock,
  ) {}

  /** Tells whether a token is known to be active at this moment, without any I/O. */
  knows(token: string): boolean {
    return this.answerTo(digestOf(token)) === true;
  }

  /**
   * Resolves if the token is active. Requests that ask about the same token at the same time share one request.
   * @throws {TokenRevoked} rejects with it if it is not.
   * @throws {StoreUnavailable} rejects with it if the endpoint does not say.
   */
  async confirm(token: string, { sid = '' }: AccessTokenClaims): Promise<void> {
    const digest = digestOf(token);
    if (!(this.answerTo(digest) ?? (await this.asked(digest, token)))) throw new TokenRevoked(sid);
  }

  private answerTo(digest: string): boolean | undefined {
    const answer = this.answers.get(digest);
    const now = this.clock.now();
    return answer && now >= answer.from && now < answer.until ? answer.isActive : undefined;
  }

  private asked(digest: string, token: string): Promise<boolean> {
    const asked = this.underWay.get(digest) ?? this.ask(digest, token).finally(() => this.underWay.delete(digest));
    this.underWay.set(digest, asked);
    return asked;
  }

  private async ask(digest: string, token: string): Promise<boolean> {
    // A revocation that happens while the request is under way must not be hidden for longer than the span.
    const from = this.clock.now();
    const isActive = await this.request(token);
    if (this.answers.size >= MAX_ANSWERS) this.answers.clear();
    if (this.settings.cacheForMs > 0) this.answers.set(digest, { isActive, from, until: from + this.settings.cacheForMs });
    return isActive;
  }

  private async request(token: string): Promise<boolean> {
    const { uri, authorization, timeoutMs } = this.settings;
    try {
      const response = await fetch(uri, {
        method: 'POST',
        body: new URLSearchParams({ token, token_type_hint: 'access_token' }),
        headers: { authorization: authorization(), accept: 'application/json' },
        redirect: 'manual',
        signal: AbortSignal.timeout(timeoutMs),
      });
      const { active } = Object(await readJson(response, MAX_BYTES)) as { active?: unknown };
      if (typeof active !== 'boolean') throw new Error('is no introspection response');
      return active;
    } catch (cause) {
      throw new StoreUnavailable({ cause });
    }
  }
}
