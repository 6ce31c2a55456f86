import type { ChildProcess } from 'node:child_process';
import { ISSUER, SECRET } from '../../support/app.js';
import { CompiledProgram } from '../../support/process/compiled-program.js';
import { TestProcess } from '../../support/process/test-process.js';
import type { Orders, Verb } from './node/control.js';
import type { NodeConfig } from './node/node-config.js';
import { exchange } from './exchange.js';

const APP = 'test/faults/support/node';

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

/** The test application, compiled with the library, and the processes that run it. */
export class NodePool {
  private readonly program = new CompiledProgram(APP);
  private readonly nodes: NodeProcess[] = [];

  get directory(): string {
    return this.program.directory;
  }

  /** Starts a process; resolves when it listens. */
  async start({ skewMs = 0, ...config }: NodeSetup): Promise<NodeProcess> {
    const options = { issuer: ISSUER, ...(config.options?.['keys'] ? {} : { secret: SECRET }), ...config.options };
    const env = { CLOCK_SKEW_MS: String(skewMs), NODE_SETUP: JSON.stringify({ ...config, options }) };
    const node = new NodeProcess(this.program.spawn(`${APP}/main.ts`, { env, channel: true }));
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
    this.program.dispose();
  }
}

/** What a process tells the test. */
interface NodeMessage {
  port?: number;
  controlPort?: number;
  unhandled?: string;
}

/** A process of the test application. */
export class NodeProcess extends TestProcess {
  port = 0;
  controlPort = 0;
  readonly complaints: string[] = [];
  private mayEnd = false;

  constructor(child: ChildProcess) {
    super(child);
    void this.ended.then((end) => {
      if (!this.mayEnd) this.complaints.push(`ended by itself: ${end} ${this.log}`);
    });
  }

  async listening(): Promise<void> {
    await this.started(() => this.port !== 0);
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

  override async stop(): Promise<void> {
    this.mayEnd ||= this.isRunning;
    await super.stop();
  }

  protected override receive({ port, controlPort, unhandled }: NodeMessage): void {
    if (port !== undefined) this.port = port;
    if (controlPort !== undefined) this.controlPort = controlPort;
    if (unhandled !== undefined) this.complaints.push(`unhandled: ${unhandled}`);
  }
}
