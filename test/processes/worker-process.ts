import type { ChildProcess } from 'node:child_process';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { Command, Order, PresentCommand, Presented, Report, WorkerSetup } from './worker/messages.js';

interface Pending {
  resolve(result: unknown): void;
  reject(error: Error): void;
  answer(index: number, answer: Presented): void;
}

/** A process of the application, seen from the test. */
export class WorkerProcess {
  private readonly pending = new Map<number, Pending>();
  private orders = 0;

  private constructor(
    private readonly child: ChildProcess,
    /** Where it listens, or null. */
    readonly port: number | null,
  ) {
    child.on('message', (report: Report) => this.receive(report));
    child.on('exit', () => this.abandon());
  }

  /** @param main path of the program's main file. */
  static async start(main: string, setup: WorkerSetup): Promise<WorkerProcess> {
    const child = fork(main, [JSON.stringify(setup)], { execArgv: [], serialization: 'advanced' });
    const [report] = (await Promise.race([once(child, 'message'), once(child, 'exit')])) as [Report | number | null];
    if (report === null || typeof report === 'number' || !('ready' in report)) throw new Error('the process did not start');
    return new WorkerProcess(child, report.port);
  }

  /** @throws {Error} when the process dies before it has answered. */
  async ask<T>(command: Command, answer: Pending['answer'] = () => {}): Promise<T> {
    const order: Order = { id: (this.orders += 1), command };
    const result = new Promise((resolve, reject) => this.pending.set(order.id, { resolve, reject, answer }));
    this.child.send(order, (error) => {
      if (error) this.abandon();
    });
    return (await result) as T;
  }

  /** Presents tokens; what has no answer when the process dies stays undefined. */
  async present(command: Omit<PresentCommand, 'do'>): Promise<(Presented | undefined)[]> {
    const answers = command.tokens.map((): Presented | undefined => undefined);
    await this.ask({ do: 'present', ...command }, (index, answer) => (answers[index] = answer)).catch((error: unknown) => {
      if (this.isAlive) throw error;
    });
    return answers;
  }

  get isAlive(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** kill -9; resolves when the process is gone. */
  async kill(): Promise<void> {
    if (!this.isAlive) return;
    const gone = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await gone;
  }

  private receive(report: Report): void {
    if (!('id' in report)) return;
    const pending = this.pending.get(report.id);
    if ('answer' in report) return pending?.answer(report.index, report.answer);
    this.pending.delete(report.id);
    if ('error' in report) pending?.reject(new Error(report.error));
    else pending?.resolve(report.result);
  }

  private abandon(): void {
    for (const { reject } of this.pending.values()) reject(new Error('the process is gone'));
    this.pending.clear();
  }
}
