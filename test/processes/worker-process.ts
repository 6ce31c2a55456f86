import type { ChildProcess } from 'node:child_process';
import type { CompiledProgram } from '../support/process/compiled-program.js';
import { TestProcess } from '../support/process/test-process.js';
import type { Command, Order, PresentCommand, Presented, Report, WorkerSetup } from './worker/messages.js';

/** The folder of the program that the processes run. */
export const WORKER = 'test/processes/worker';

interface Pending {
  resolve(result: unknown): void;
  reject(error: Error): void;
  answer(index: number, answer: Presented): void;
}

/** A process of the application, seen from the test. */
export class WorkerProcess extends TestProcess {
  private readonly pending = new Map<number, Pending>();
  private orders = 0;
  private ready: Extract<Report, { ready: true }> | null = null;

  private constructor(child: ChildProcess) {
    super(child);
    child.on('exit', () => this.abandon());
  }

  static async start(program: CompiledProgram, setup: WorkerSetup): Promise<WorkerProcess> {
    const child = program.spawn('test/processes/worker/main.ts', { args: [JSON.stringify(setup)], channel: true });
    const worker = new WorkerProcess(child);
    await worker.started(() => worker.ready !== null);
    return worker;
  }

  /** Where it listens, or null. */
  get port(): number | null {
    return this.ready?.port ?? null;
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
      if (this.isRunning) throw error;
    });
    return answers;
  }

  protected override receive(report: Report): void {
    if ('ready' in report) {
      this.ready = report;
      return;
    }
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
