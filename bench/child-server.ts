import type { ChildProcess } from 'node:child_process';
import { fork } from 'node:child_process';
import { once } from 'node:events';

/** The state of a server, which it sends on request. */
export interface ServerState {
  cpu: NodeJS.CpuUsage;
  /** The number of session events of each type. */
  events: Record<string, number>;
}

/** A server in a process of its own. `Hello` is the message that it sends once it listens. */
export class ChildServer<Hello extends object> {
  private constructor(
    private readonly child: ChildProcess,
    readonly hello: Hello,
  ) {}

  /**
   * @param script a file in this folder. It sends `Hello`, replies to every message with its {@link ServerState}, and exits when it is
   * disconnected.
   */
  static async start<Hello extends object>(script: string, args: readonly string[]): Promise<ChildServer<Hello>> {
    const child = fork(new URL(script, import.meta.url), args);
    const died = once(child, 'exit').then(() => Promise.reject(new Error(`${script} ${args.join(' ')} has not started`)));
    const [hello] = (await Promise.race([once(child, 'message'), died])) as [Hello];
    died.catch(() => undefined);
    return new ChildServer(child, hello);
  }

  async state(): Promise<ServerState> {
    this.child.send('state');
    const [state] = (await once(this.child, 'message')) as [ServerState];
    return state;
  }

  async stop(): Promise<void> {
    const exit = once(this.child, 'exit');
    this.child.disconnect();
    await exit;
  }
}

/** The code that runs in the process of the server. */
export function serveParent(hello: object, events: Readonly<Record<string, number>> = {}): void {
  process.send?.(hello);
  process.on('message', () => process.send?.({ cpu: process.cpuUsage(), events } satisfies ServerState));
  process.on('disconnect', () => process.exit());
}
