import { transformFileSync } from '@swc/core';
import type { ChildProcess } from 'node:child_process';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ISSUER, SECRET } from '../../support/app.js';
import type { Orders, Verb } from './node/control.js';
import type { NodeConfig } from './node/node-config.js';
import { exchange } from './exchange.js';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const APP = join('test', 'faults', 'support', 'node');
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

/** What a process says of itself. */
export interface NodeStatus {
  /** How often each kind of session event came. */
  outcomes: Readonly<Record<string, number>>;
  pool: { used: number; waiting: number };
  /** How often each verb of the store has been called. */
  calls: Readonly<Record<Verb, number>>;
  /** How many requests wait at a moment that is held. */
  held: number;
  /** Responses that have neither been sent nor been given up. */
  open: number;
  /** Timers of the library that have not fired, by the file that set them. */
  timers: Readonly<Record<string, number>>;
}

/** A setup, and the process's clock. */
export type NodeSetup = NodeConfig & { skewMs?: number };

/** The library and the test application, compiled into a directory of their own, and the processes that run them. */
export class NodePool {
  readonly directory = realpathSync(mkdtempSync(join(tmpdir(), 'nestjs-token-faults-')));
  private readonly nodes: NodeProcess[] = [];

  constructor() {
    for (const source of ['lib', APP]) this.compile(source);
    symlinkSync(join(ROOT, 'node_modules'), join(this.directory, 'node_modules'), 'dir');
    const manifest = { name: 'nestjs-token', type: 'module', exports: { '.': './lib/index.js' } };
    writeFileSync(join(this.directory, 'package.json'), JSON.stringify(manifest));
  }

  /** Starts a process; resolves when it listens. */
  async start({ skewMs = 0, ...config }: NodeSetup): Promise<NodeProcess> {
    const options = { issuer: ISSUER, ...(config.options?.['keys'] ? {} : { secret: SECRET }), ...config.options };
    const env = {
      PATH: process.env['PATH'],
      NO_COLOR: '1',
      CLOCK_SKEW_MS: String(skewMs),
      NODE_SETUP: JSON.stringify({ ...config, options }),
    };
    const child = fork(join(this.directory, APP, 'main.js'), { env, execArgv: [], stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
    const node = new NodeProcess(child);
    this.nodes.push(node);
    await node.listening();
    return node;
  }

  /** What the processes did not handle: rejections, exceptions, ends that nobody asked for. */
  get complaints(): string[] {
    return this.nodes.flatMap(({ complaints }) => complaints);
  }

  /** Ends the processes; the compiled files stay. */
  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()));
    this.nodes.length = 0;
  }

  async dispose(): Promise<void> {
    await this.stop();
    rmSync(this.directory, { recursive: true, force: true });
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

/** A process of the test application. */
export class NodeProcess {
  port = 0;
  controlPort = 0;
  log = '';
  readonly complaints: string[] = [];
  /** Resolves when the process has ended, with its exit code or the signal that ended it. */
  readonly ended: Promise<number | string | null>;
  private mayEnd = false;

  constructor(private readonly child: ChildProcess) {
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (this.log += chunk.toString()));
    child.on('message', (message: { port?: number; controlPort?: number; unhandled?: string }) => {
      if (message.port !== undefined) this.port = message.port;
      if (message.controlPort !== undefined) this.controlPort = message.controlPort;
      if (message.unhandled !== undefined) this.complaints.push(`unhandled: ${message.unhandled}`);
    });
    this.ended = once(child, 'close').then(([code, signal]) => {
      if (!this.mayEnd) this.complaints.push(`ended by itself: ${String(code ?? signal)} ${this.log}`);
      return (code ?? signal) as number | string | null;
    });
  }

  get isRunning(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  async listening(): Promise<void> {
    while (this.port === 0) {
      await Promise.race([once(this.child, 'message'), this.ended]);
      if (!this.isRunning) throw new Error(`the application did not start: ${this.log}`);
    }
  }

  async order(orders: Orders): Promise<void> {
    if (orders.kill) this.mayEnd = true;
    await exchange({ port: this.controlPort, path: '/control', method: 'POST', body: orders });
  }

  async status(): Promise<NodeStatus> {
    return JSON.parse((await exchange({ port: this.controlPort, path: '/status' }))?.text ?? '{}') as NodeStatus;
  }

  /** Sends a signal that may end the process. */
  signal(signal: NodeJS.Signals): void {
    this.mayEnd = true;
    this.child.kill(signal);
  }

  async stop(): Promise<void> {
    if (!this.isRunning) return;
    this.signal('SIGKILL');
    await this.ended;
  }
}
