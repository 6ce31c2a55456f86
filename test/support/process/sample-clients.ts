import type { Answer, CallOptions } from '../app.js';
import { Browser, SITE } from '../browser.js';
import type { RunningSample } from './sample.js';
import { deliveredBy, expired, headersOf, ofLongAgo, PASSWORD } from './sample.js';

export const MODES = ['header', 'cookie', 'mixed'] as const;
export type Mode = (typeof MODES)[number];

/** The tokens that a client holds, or those that a response delivers. */
export interface Tokens {
  access?: string;
  refresh?: string;
}

/** A client of the sample in one mode: it sends the tokens that it has with every request, and keeps those that a response brings. */
export abstract class SampleClient {
  /** Every response that the client has had. */
  readonly answers: Answer[] = [];

  constructor(readonly sample: RunningSample) {}

  /** Sends a request. */
  async call(path: string, options: CallOptions = {}): Promise<Answer> {
    const answer = await this.send(path, options);
    this.answers.push(answer);
    return answer;
  }

  post(path: string, body?: unknown): Promise<Answer> {
    return this.call(path, { method: 'POST', ...(body !== undefined && { body }) });
  }

  /** Signs in, and returns the id of the session. */
  async signIn(username: string, headers: Record<string, string> = {}): Promise<string> {
    const answer = await this.call('/auth/login', { method: 'POST', headers, body: { username, password: PASSWORD } });
    return String(answer.json()['session_id']);
  }

  /** Signs in, and lets the access token expire. */
  async signInLongAgo(username: string): Promise<string> {
    const sessionId = await this.signIn(username);
    await this.expire();
    return sessionId;
  }

  /** Replaces the access token with one of a user who signed in an hour ago. */
  async antedateSignIn(): Promise<void> {
    const { access = '', ...rest } = await this.tokens();
    await this.take({ ...rest, access: ofLongAgo(access) });
  }

  /** Lets the access token expire, and the client does not notice. */
  async expire(): Promise<void> {
    const { access = '', ...rest } = await this.tokens();
    await this.take({ ...rest, access: expired(access) });
  }

  abstract tokens(): Promise<Tokens>;
  /** Replaces all tokens. */
  abstract take(tokens: Tokens): Promise<void>;
  /** The tokens that a response delivers in their own places. */
  abstract delivered(answer: Answer): Tokens;
  protected abstract send(path: string, options: CallOptions): Promise<Answer>;
}

/** Both tokens travel in headers. */
class HeaderClient extends SampleClient {
  private held: Tokens = {};

  override tokens(): Promise<Tokens> {
    return Promise.resolve(this.held);
  }

  override take(tokens: Tokens): Promise<void> {
    this.held = tokens;
    return Promise.resolve();
  }

  override delivered(answer: Answer): Tokens {
    const { access_token: access, refresh_token: refresh } = deliveredBy(answer);
    return { ...(access !== undefined && { access }), ...(refresh !== undefined && { refresh }) };
  }

  protected override async send(path: string, { headers, ...options }: CallOptions): Promise<Answer> {
    const { access, refresh } = this.held;
    const tokens = headersOf({
      ...(access !== undefined && { access_token: access }),
      ...(refresh !== undefined && { refresh_token: refresh }),
    });
    const answer = await this.sample.call(path, { ...options, headers: { ...tokens, ...headers } });
    this.held = { ...this.held, ...this.delivered(answer) };
    return answer;
  }
}

/** A page in a browser. Both tokens travel in cookies. */
class CookieClient extends SampleClient {
  readonly browser = new Browser(this.sample.port);

  override async tokens(): Promise<Tokens> {
    const { '__Host-access': access, '__Host-refresh': refresh } = await this.browser.cookies();
    return { ...(access && { access: access.value }), ...(refresh && { refresh: refresh.value }) };
  }

  override async take(tokens: Tokens): Promise<void> {
    await this.browser.jar.removeAllCookies();
    for (const [name, value] of Object.entries(tokens) as [string, string][])
      await this.browser.jar.setCookie(`__Host-${name}=${value}; Path=/; Secure; HttpOnly; SameSite=Strict`, SITE);
  }

  override delivered({ headers }: Answer): Tokens {
    const found = (headers['set-cookie'] ?? []).map((line) => /^__Host-(access|refresh)=([^;]+)/.exec(line));
    return Object.fromEntries(found.filter((match) => match !== null).map(([, name, value]) => [name, value])) as Tokens;
  }

  protected override send(path: string, options: CallOptions): Promise<Answer> {
    return this.browser.fetch(path, options);
  }
}

/** A page in a browser that keeps the access token in a variable. */
class MixedClient extends CookieClient {
  private access: string | undefined;

  override async tokens(): Promise<Tokens> {
    return { ...(this.access !== undefined && { access: this.access }), ...(await super.tokens()) };
  }

  override async take({ access, ...rest }: Tokens): Promise<void> {
    this.access = access;
    await super.take(rest);
  }

  override delivered(answer: Answer): Tokens {
    const { access_token: access } = deliveredBy(answer);
    return { ...super.delivered(answer), ...(access !== undefined && { access }) };
  }

  protected override async send(path: string, { headers, ...options }: CallOptions): Promise<Answer> {
    const own = this.access === undefined ? {} : headersOf({ access_token: this.access });
    const answer = await super.send(path, { ...options, headers: { ...own, ...headers } });
    this.access = this.delivered(answer).access ?? this.access;
    return answer;
  }
}

const CLIENTS = { header: HeaderClient, cookie: CookieClient, mixed: MixedClient };

export function newClient(mode: Mode, sample: RunningSample): SampleClient {
  return new CLIENTS[mode](sample);
}

/** The browser of a client that has one. */
export function browserOf(client: SampleClient): Browser {
  if (client instanceof CookieClient) return client.browser;
  throw new TypeError('a client that keeps its tokens in headers has no browser');
}

const ACCESS = /eyJ[\w-]+\.[\w-]+\.[\w-]+/;
const REFRESH = /ntr_[\w-]+/;
/** Which tokens no script of a page may be able to read. */
const HIDDEN = { header: [], cookie: [ACCESS, REFRESH], mixed: [REFRESH] } as const;

/** Returns the parts of responses, without `Set-Cookie`, that contain a token which no script may read in this mode. */
export function leaksOf(mode: Mode, answers: readonly Answer[]): string[] {
  const readable = answers.flatMap(({ text, headers }) => {
    const { 'set-cookie': _, ...others } = headers;
    return [text, ...Object.entries(others).map(([name, value]) => `${name}: ${String(value)}`)];
  });
  return readable.filter((part) => HIDDEN[mode].some((token) => token.test(part)));
}
