import { transformFileSync } from '@swc/core';
import jwt from 'jsonwebtoken';
import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Answer, CallOptions } from './app.js';
import { call } from './app.js';

const ROOT = join(import.meta.dirname, '..', '..');
export const SECRET = 'a secret of the tests, longer than 32 bytes';
export const PASSWORD = 'correct horse battery staple';

const COMPILER = {
  swcrc: false,
  jsc: {
    target: 'es2022',
    parser: { syntax: 'typescript', decorators: true },
    transform: { legacyDecorator: true, decoratorMetadata: true },
    keepClassNames: true,
  },
  module: { type: 'es6' },
} as const;

/** The pair of a sign-in or a refresh, as the body of an answer has it. */
export interface PairBody {
  access_token: string;
  refresh_token: string;
  token_type: string;
  expires_in: number;
  refresh_expires_in: number;
  session_id: string;
}

/** A sample and the library, compiled into a directory of their own. Processes run it there: it is their working directory. */
export class CompiledSample {
  readonly directory = realpathSync(mkdtempSync(join(tmpdir(), 'nestjs-token-sample-')));
  private readonly started: RunningSample[] = [];
  private files = 0;

  constructor(private readonly name = '90-reference') {
    for (const source of ['lib', `sample/${name}/src`]) this.compile(source);
    symlinkSync(join(ROOT, 'node_modules'), join(this.directory, 'node_modules'), 'dir');
    const manifest = { name: 'nestjs-token', type: 'module', exports: { '.': './lib/index.js' } };
    writeFileSync(join(this.directory, 'package.json'), JSON.stringify(manifest));
  }

  /** Path of a database that does not exist yet. */
  newDatabase(): string {
    this.files += 1;
    return join(this.directory, 'data', `${this.files}.db`);
  }

  /** Starts it on a free port; without a database in `environment`, on a new one. */
  async start(environment: Readonly<Record<string, string>> = {}): Promise<RunningSample> {
    const child = this.spawn({ DATABASE_URL: `sqlite:${this.newDatabase()}`, TOKEN_SECRET: SECRET, ...environment });
    const sample = new RunningSample(child);
    this.started.push(sample);
    await sample.listening();
    return sample;
  }

  /** Runs it until it ends by itself, for 20 s at the most: then it is killed, and its code is null. */
  async run(environment: Readonly<Record<string, string>>): Promise<{ code: number | null; output: string }> {
    const child = this.spawn(environment, { timeout: 20_000, killSignal: 'SIGKILL' });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, output };
  }

  async dispose(): Promise<void> {
    await Promise.all(this.started.map((sample) => sample.stop()));
    rmSync(this.directory, { recursive: true, force: true });
  }

  private spawn(environment: Readonly<Record<string, string>>, options: SpawnOptions = {}): ChildProcess {
    const env = { PATH: process.env['PATH'], NO_COLOR: '1', PORT: '0', ...environment };
    return spawn(process.execPath, [join(this.directory, 'sample', this.name, 'src', 'main.js')], {
      ...options,
      cwd: this.directory,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }

  private compile(source: string): void {
    const names = readdirSync(join(ROOT, source), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
    for (const name of names) {
      const target = join(this.directory, source, name.replace(/\.ts$/, '.js'));
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, transformFileSync(join(ROOT, source, name), COMPILER).code);
    }
  }
}

/** A process of a sample. */
export class RunningSample {
  log = '';
  /** 0 until it listens. */
  port = 0;
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 64 });

  constructor(private readonly child: ChildProcess) {
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (this.log += chunk.toString()));
  }

  /** Resolves when the log names the address; rejects with the log when the process ends instead. */
  async listening(): Promise<void> {
    const ended = once(this.child, 'close').then(() => Promise.reject(new Error(`the sample did not start: ${this.log}`)));
    ended.catch(() => undefined);
    while (this.port === 0) {
      await Promise.race([once(this.child.stdout as NodeJS.ReadableStream, 'data'), ended]);
      this.port = Number(/listening on http:\/\/127\.0\.0\.1:(\d+)/.exec(this.log)?.[1] ?? 0);
    }
  }

  call(path: string, options: CallOptions = {}): Promise<Answer> {
    return call({ port: this.port, agent: this.agent, path, ...options });
  }

  /** A request with an access token, a refresh token or both. */
  as(tokens: Partial<PairBody>, path: string, method = 'GET'): Promise<Answer> {
    return this.call(path, { method, headers: headersOf(tokens) });
  }

  async signIn(username: string): Promise<PairBody> {
    const answer = await this.call('/auth/login', { method: 'POST', body: { username, password: PASSWORD } });
    return answer.json<PairBody>();
  }

  /** Signs in, and gives the pair as it is when its access token has expired. */
  async signInLongAgo(username: string): Promise<PairBody> {
    const pair = await this.signIn(username);
    return { ...pair, access_token: expired(pair.access_token) };
  }

  async stop(): Promise<void> {
    this.agent.destroy();
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    await gone;
  }
}

export function headersOf({ access_token, refresh_token }: Partial<PairBody>): Record<string, string> {
  return {
    ...(access_token !== undefined && { authorization: `Bearer ${access_token}` }),
    ...(refresh_token !== undefined && { 'x-refresh-token': refresh_token }),
  };
}

/** The pair in the headers of an answer. */
export function deliveredBy({ headers }: Answer): Partial<PairBody> {
  const { authorization, 'x-refresh-token': refresh } = headers;
  return {
    ...(authorization !== undefined && { access_token: authorization.replace('Bearer ', '') }),
    ...(typeof refresh === 'string' && { refresh_token: refresh }),
  };
}

/** The same access token as it was minted a day ago. */
function expired(accessToken: string): string {
  const { header, payload } = jwt.decode(accessToken, { complete: true }) as { header: jwt.JwtHeader; payload: Record<string, number> };
  const aged = Object.fromEntries(['iat', 'exp', 'auth_time'].map((name) => [name, (payload[name] ?? 0) - 86_400]));
  return jwt.sign({ ...payload, ...aged }, SECRET, { algorithm: 'HS256', header });
}
