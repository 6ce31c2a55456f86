import type { ClientTokens } from './client-tokens.js';
import { received } from './client-tokens.js';
import type { FuzzedApp } from './application.js';
import type { HttpResponse } from './connection.js';
import { exchange } from './connection.js';
import type { Random } from './random.js';
import { PASSWORD } from './routes.js';

/** How many clients the tokens of the stock belong to, and how many old tokens of theirs are kept. */
const CLIENTS = 4;
const OLD_TOKENS = 12;

/** Signs in as an application's client does. */
export async function signIn(app: FuzzedApp, username: string): Promise<{ tokens: ClientTokens; sessionId: string }> {
  const body = JSON.stringify({ username, password: PASSWORD });
  const head = `POST /login HTTP/1.1\r\nHost: fuzz\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${body.length}`;
  const { responses } = await exchange(app.port, { bytes: Buffer.from(`${head}\r\n\r\n${body}`), halfClose: false, patienceMs: 10_000 });
  const [response] = responses;
  if (response?.status !== 200) throw new Error(`${app.name}: a sign-in failed with ${response?.status ?? 'nothing'}`);
  const tokens: ClientTokens = {};
  received(tokens, response);
  const { session_id, access_token } = JSON.parse(/\{.*\}/s.exec(response.body)?.[0] ?? '{}') as Record<string, string>;
  if (access_token !== undefined) tokens.access ??= access_token;
  return { tokens, sessionId: session_id ?? '' };
}

/** Genuine tokens of one application, which mutations start from: of open sessions, of ended ones, and old ones. */
export class Stock {
  private clients: ClientTokens[] = [];
  private readonly old: ClientTokens[] = [];
  private signIns = 0;

  constructor(private readonly app: FuzzedApp) {}

  /** Replaces the clients, whose sessions may have ended. */
  async refill(): Promise<void> {
    this.old.unshift(...this.clients);
    this.old.splice(OLD_TOKENS);
    this.clients = [];
    for (let count = 0; count < CLIENTS; count++) this.clients.push((await signIn(this.app, `fuzz-${this.signIns++ % 50}`)).tokens);
  }

  /** Tokens of one client, or of several. */
  pick(random: Random): ClientTokens {
    const client = random.pick(random.chance(0.7) ? this.clients : [...this.clients, ...this.old]);
    return random.chance(0.9) ? { ...client } : { ...client, ...random.pick(this.clients), refresh: client.refresh ?? '' };
  }

  /** Takes over what a response brings. */
  receive(response: HttpResponse, random: Random): void {
    const tokens: ClientTokens = {};
    received(tokens, response);
    if (tokens.access === undefined || tokens.refresh === undefined) return;
    const at = random.int(this.clients.length);
    this.old.unshift(this.clients[at]!);
    this.old.splice(OLD_TOKENS);
    this.clients[at] = { ...this.clients[at], ...tokens };
  }

  /** Every token, for the search in the log. */
  get all(): string[] {
    return [...this.clients, ...this.old].flatMap(({ access, refresh, csrf }) =>
      [access, refresh, csrf].filter((one) => one !== undefined),
    );
  }
}
