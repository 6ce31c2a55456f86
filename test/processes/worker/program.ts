import { Logger } from '@nestjs/common';
import type { Command, Order, Report, WorkerSetup } from './messages.js';

/** Carries out what the process is asked. */
export interface Program {
  /** Where it listens, or null. */
  readonly port: number | null;
  carryOut(command: Command, answer: (index: number, answer: Extract<Report, { answer: unknown }>['answer']) => void): Promise<unknown>;
}

/** Starts what the setup asks for, and obeys the parent until it goes away. */
export async function run(setup: WorkerSetup): Promise<void> {
  Logger.overrideLogger(['error', 'fatal']);
  const program = await start(setup);
  process.on('message', (order: Order) => void obey(program, order));
  process.on('disconnect', () => process.exit(0));
  report({ ready: true, port: program.port });
}

/** Each kind of process loads what it needs only. */
async function start(setup: WorkerSetup): Promise<Program> {
  if (setup.serves === 'sessions') return (await import('./sessions.js')).openSessions(setup);
  return (await import('./application.js')).startApplication(setup);
}

async function obey(program: Program, { id, command }: Order): Promise<void> {
  try {
    report({ id, result: await program.carryOut(command, (index, answer) => report({ id, index, answer })) });
  } catch (error) {
    report({ id, error: String(error) });
  }
}

function report(message: Report): void {
  process.send?.(message);
}
