import jwt from 'jsonwebtoken';
import { Agent } from 'node:http';
import { join } from 'node:path';
import type { Answer, CallOptions } from '../app.js';
import { call } from '../app.js';
import type { ScriptOptions } from './compiled-program.js';
import { CompiledProgram } from './compiled-program.js';
import { TestProcess } from './test-process.js';

export const SECRET = 'a secret of the tests, longer than 32 bytes';
/** The secret of the client `reports`. */
export const CLIENT_SECRET = '7d2a49368f1c-secret-of-the-reports-client';
export const PASSWORD = 'correct horse battery staple';

/** The pair of a sign-in or a refresh, as it is in the body of a response. */
export interface PairBody {
  access_token: string;
  refresh_token: string;
  token_type: string;
  expires_in: number;
  refresh_expires_in: number;
  session_id: string;
}

/** A sample, compiled with the library. Its processes run in the directory of the compiled files. */
export class CompiledSample {
  private readonly program: CompiledProgram;
  private readonly started: RunningSample[] = [];
  private files = 0;

  constructor(private readonly name = '90-reference') {
    this.program = new CompiledProgram(`sample/${name}/src`);
  }

  get directory(): string {
    return this.program.directory;
  }

  /** Returns the path of a database that does not exist yet. */
  newDatabase(): string {
    this.files += 1;
    return join(this.directory, 'data', `${this.files}.db`);
  }

  /** Starts it on a free port. Without a database in `environment`, it gets a new one. */
  async start(environment: Readonly<Record<string, string>> = {}): Promise<RunningSample> {
    const sample = this.spawn({ DATABASE_URL: `sqlite:${this.newDatabase()}`, TOKEN_SECRET: SECRET, CLIENT_SECRET, ...environment });
    this.started.push(sample);
    await sample.listening();
    return sample;
  }

  /** Runs it until it ends by itself. After 20 s it is killed, and its code is the signal. */
  async run(environment: Readonly<Record<string, string>>): Promise<{ code: number | string; output: string }> {
    const sample = this.spawn(environment, { timeout: 20_000, killSignal: 'SIGKILL' });
    return { code: await sample.ended, output: sample.log };
  }

  async dispose(): Promise<void> {
    await Promise.all(this.started.map((sample) => sample.stop()));
    this.program.dispose();
  }

  private spawn(environment: Readonly<Record<string, string>>, options: ScriptOptions = {}): RunningSample {
    return new RunningSample(this.program.spawn(`sample/${this.name}/src/main.ts`, { ...options, env: { PORT: '0', ...environment } }));
  }
}

/** A process of a sample. */
export class RunningSample extends TestProcess {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 64 });

  /** The port, or 0 until it listens. */
  get port(): number {
    return Number(/listening on https?:\/\/127\.0\.0\.1:(\d+)/.exec(this.log)?.[1] ?? 0);
  }

  /** Resolves when the log names the address. Rejects with the log if the process ends before. */
  async listening(): Promise<void> {
    await this.started(() => this.port !== 0);
  }

  call(path: string, options: CallOptions = {}): Promise<Answer> {
    return call({ port: this.port, agent: this.agent, path, ...options });
  }

  /** Sends a request with an access token, a refresh token or both. */
  as(tokens: Partial<PairBody>, path: string, method = 'GET'): Promise<Answer> {
    return this.call(path, { method, headers: headersOf(tokens) });
  }

  async signIn(username: string): Promise<PairBody> {
    const answer = await this.call('/auth/login', { method: 'POST', body: { username, password: PASSWORD } });
    return answer.json<PairBody>();
  }

  /** Signs in, and returns the pair with an access token that has expired. */
  async signInLongAgo(username: string): Promise<PairBody> {
    const pair = await this.signIn(username);
    return { ...pair, access_token: expired(pair.access_token) };
  }

  override async stop(): Promise<void> {
    this.agent.destroy();
    await super.stop('SIGTERM');
  }
}

export function headersOf({ access_token, refresh_token }: Partial<PairBody>): Record<string, string> {
  return {
    ...(access_token !== undefined && { authorization: `Bearer ${access_token}` }),
    ...(refresh_token !== undefined && { 'x-refresh-token': refresh_token }),
  };
}

/** Returns the pair in the headers of a response. */
export function deliveredBy({ headers }: Answer): Partial<PairBody> {
  const { authorization, 'x-refresh-token': refresh } = headers;
  return {
    ...(authorization !== undefined && { access_token: authorization.replace('Bearer ', '') }),
    ...(typeof refresh === 'string' && { refresh_token: refresh }),
  };
}

/** Returns the same access token, issued a day earlier. */
export function expired(accessToken: string): string {
  return antedated(accessToken, ['iat', 'exp', 'auth_time'], 86_400);
}

/** Returns the same access token of a user who signed in an hour ago. */
export function ofLongAgo(accessToken: string): string {
  return antedated(accessToken, ['auth_time'], 3_600);
}

function antedated(accessToken: string, claims: readonly string[], seconds: number): string {
  const { header, payload } = jwt.decode(accessToken, { complete: true }) as { header: jwt.JwtHeader; payload: Record<string, number> };
  const earlier = Object.fromEntries(claims.map((name) => [name, (payload[name] ?? 0) - seconds]));
  return jwt.sign({ ...payload, ...earlier }, SECRET, { algorithm: 'HS256', header });
}
