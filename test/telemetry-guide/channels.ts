import type { SessionEvent, TraceContext } from 'nestjs-token';
import { subscribe, tracingChannel, unsubscribe } from 'node:diagnostics_channel';

/** What the channels have told. */
export const told: unknown[] = [];

function onSignIn(event: unknown): void {
  const { realm, sessionId } = event as Extract<SessionEvent, { type: 'signed-in' }>;
  told.push({ realm, sessionId });
}

const refreshes = tracingChannel<TraceContext, TraceContext & { result?: string }>('nestjs-token:refresh');
const onRefresh = {
  start: ({ realm }: TraceContext) => told.push(`refresh in ${realm}`),
  end: () => undefined,
  asyncStart: () => undefined,
  asyncEnd: ({ result }: { result?: string }) => told.push(`refresh has ended: ${result}`),
  error: () => undefined,
};

export function listen(): void {
  subscribe('nestjs-token:signed-in', onSignIn);
  refreshes.subscribe(onRefresh);
}

export function listenNoMore(): void {
  unsubscribe('nestjs-token:signed-in', onSignIn);
  refreshes.unsubscribe(onRefresh);
}
