import type { FuzzedApp } from './application.js';
import type { ClientTokens } from './client-tokens.js';
import { honestHeaders, received } from './client-tokens.js';
import { exchange } from './connection.js';
import type { WhoAmI } from './routes.js';
import { signIn } from './stock.js';

const ROUTES = ['GET /me', 'POST /notes', 'GET /optional', 'GET /fresh'];

/** A user who keeps working while others send nonsense. */
export class HonestUser {
  /** How often the session was refreshed. */
  refreshes = 0;
  private requests = 0;

  private constructor(
    private readonly app: FuzzedApp,
    private readonly user: { readonly name: string; readonly sessionId: string; readonly tokens: ClientTokens },
  ) {}

  static async signIn(app: FuzzedApp, name: string): Promise<HonestUser> {
    return new HonestUser(app, { name, ...(await signIn(app, name)) });
  }

  /** The tokens at this moment, for attackers who damage them. */
  get tokens(): ClientTokens {
    return { ...this.user.tokens };
  }

  /** Sends one request. @returns what is wrong with its response, or null. */
  async work(): Promise<string | null> {
    const { name, sessionId, tokens } = this.user;
    const route = ROUTES[this.requests++ % ROUTES.length]!;
    const lines = [`${route} HTTP/1.1`, 'Host: fuzz', 'Connection: close', 'Content-Length: 0'];
    const headers = honestHeaders(this.app.mode, tokens).map(([field, value]) => `${field}: ${value}`);
    const bytes = Buffer.from(`${[...lines, ...headers].join('\r\n')}\r\n\r\n`);
    const [response] = (await exchange(this.app.port, { bytes, halfClose: false, patienceMs: 10_000 })).responses;
    if (!response) return `${this.app.name}: ${name} got no response to ${route}`;
    const before = tokens.access;
    received(tokens, response);
    if (tokens.access !== before) this.refreshes++;
    const { sub, sid } = JSON.parse(/\{.*\}/s.exec(response.body)?.[0] ?? '{}') as Partial<WhoAmI>;
    if (response.status === 200 && sub === name && sid === sessionId) return null;
    return `${this.app.name}: ${name} got ${response.status} from ${route}: ${response.body}`;
  }
}
