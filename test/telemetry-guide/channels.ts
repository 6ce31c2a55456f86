import type { SessionEvent, TraceContext } from 'nestjs-token';
import { subscribe, tracingChannel } from 'node:diagnostics_channel';

/** What the channels have told. */
export const told: unknown[] = [];

export function listen(): void {
  subscribe('nestjs-token:signed-in', (event) => {
    const { realm, sessionId } = event as Extract<SessionEvent, { type: 'signed-in' }>;
    told.push({ realm, sessionId });
  });

  tracingChannel<TraceContext, TraceContext & { result?: string }>('nestjs-token:refresh').subscribe({
    start: ({ realm }) => told.push(`refresh in ${realm}`),
    end: () => undefined,
    asyncStart: () => undefined,
    asyncEnd: ({ result }) => told.push(`refresh has ended: ${result}`),
    error: () => undefined,
  });
}
