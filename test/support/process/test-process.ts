import type { ChildProcess } from 'node:child_process';
import { EventEmitter, once } from 'node:events';

/** A child process of a test, with its output and its end. */
export class TestProcess {
  /** Everything that it has printed. */
  log = '';
  /** Resolves with the exit code or the signal when the process has ended and everything that it printed has been read. */
  readonly ended: Promise<number | NodeJS.Signals>;
  private readonly said = new EventEmitter();

  constructor(protected readonly child: ChildProcess) {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.log += chunk.toString();
        this.said.emit('something');
      });
    }
    child.on('message', (message) => {
      this.receive(message);
      this.said.emit('something');
    });
    this.ended = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals);
  }

  get isRunning(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Sends a signal and waits until the process has ended. */
  async stop(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (this.isRunning) this.child.kill(signal);
    await this.ended;
  }

  /** Called for each message on the channel, if there is one. */
  protected receive(_message: unknown): void {}

  /** Waits until the process is ready. Checks this again after each output. @throws {Error} with its log, if it ends before. */
  protected async started(isReady: () => boolean): Promise<void> {
    while (!isReady()) {
      await Promise.race([once(this.said, 'something'), this.ended]);
      if (!this.isRunning && !isReady()) throw new Error(`the process did not start: ${this.log}`);
    }
  }
}
