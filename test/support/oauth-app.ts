import type { TokenModuleRootOptions } from 'nestjs-token';
import { RefreshService, TokenModule } from 'nestjs-token';
import { DataSource } from 'typeorm';
import type { AppSetup, Answer, CallOptions, TestApp } from './app.js';
import { ISSUER, SECRET, startApp } from './app.js';

/** A client of the endpoints. Its secret has the characters that clients encode in different ways. */
export const CLIENT = { id: 'reports', secret: 'pass:word+of the/reports-service=7d2a49368f1c%2B' };
export const BASIC = `Basic ${Buffer.from(`${CLIENT.id}:${CLIENT.secret}`).toString('base64')}`;
export const ALL_ROUTES = { token: true, revoke: true, introspect: true, logout: true, logoutAll: true, sessions: true } as const;

export interface OAuthApp extends TestApp {
  refresh: RefreshService;
  /** Sends a form. A list is a parameter that comes several times. */
  form(path: string, parameters: Record<string, string | string[]>, options?: CallOptions): Promise<Answer>;
}

/** An application with all endpoints below `/auth`, and one client. */
export async function startOAuthApp(setup: AppSetup = {}, options: Partial<TokenModuleRootOptions> = {}): Promise<OAuthApp> {
  const given = { issuer: ISSUER, secret: SECRET, clients: [CLIENT], endpoints: ALL_ROUTES, ...options };
  const running = await startApp({ ...setup, options: null, imports: [TokenModule.forRoot(given), ...(setup.imports ?? [])] });
  return {
    ...running,
    refresh: running.app.get(RefreshService),
    form: (path, parameters, { headers = {}, ...rest } = {}) =>
      running.call(path, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
        body: new URLSearchParams(pairsOf(parameters)).toString(),
        ...rest,
      }),
  };
}

function pairsOf(parameters: Record<string, string | string[]>): [string, string][] {
  return Object.entries(parameters).flatMap(([name, values]) => [values].flat().map((value): [string, string] => [name, value]));
}

/** Takes the table of the sessions away while something happens, which is an outage to the store. */
export async function duringOutage<T>({ app }: TestApp, happening: () => Promise<T>): Promise<T> {
  const database = app.get(DataSource);
  await database.query('ALTER TABLE token_session RENAME TO away');
  try {
    return await happening();
  } finally {
    await database.query('ALTER TABLE away RENAME TO token_session');
  }
}

/** What a response of RFC 6749 §5.2 says. */
export function refusal({ status, text }: Answer): [number, unknown] {
  return [status, (JSON.parse(text) as { error?: unknown }).error];
}
