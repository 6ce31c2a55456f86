import type { FactoryProvider } from '@nestjs/common';
import { Clock } from '../clock.js';
import { EventCallback } from '../events/event-callback.js';
import { EventChannels } from '../events/event-channels.js';
import { EventLog } from '../events/event-log.js';
import { EventRelay } from '../events/event-relay.js';
import { EventStream } from '../events/event-stream.js';
import { OperationTrace } from '../events/operation-trace.js';
import { RejectionReporter } from '../events/rejection-reporter.js';
import { RevocationGauge } from '../events/revocation-gauge.js';
import { loadTelemetry } from '../events/load-telemetry.js';
import { RevocationList } from '../revocation/revocation-list.js';
import { SessionListener } from '../session/session-listener.js';
import type { Presentation } from '../session/session-rotator.js';
import { StoreWatch } from '../session/store-watch.js';
import { REFRESH_TRACE, REQUEST_OPTIONS, TELEMETRY, tokenEventsToken, VERIFICATION_TRACE } from './injection-tokens.js';
import { provide } from './provide.js';

/** Returns what tells events and measures operations, whether or not the instance has sessions. */
export function eventProviders(name: string): FactoryProvider[] {
  return [
    provide(TELEMETRY, { inject: [REQUEST_OPTIONS], useFactory: ({ telemetry }) => (telemetry ? loadTelemetry(name) : null) }),
    provide(EventStream, { inject: [], useFactory: () => new EventStream() }),
    provide(tokenEventsToken(name), { inject: [EventStream], useFactory: ({ events }) => events }),
    provide(SessionListener, {
      inject: [REQUEST_OPTIONS, EventStream, TELEMETRY],
      useFactory: ({ hooks }, stream, telemetry) =>
        new EventRelay([new EventLog(), new EventCallback(hooks.onEvent), stream, new EventChannels(), ...(telemetry ? [telemetry] : [])]),
    }),
    provide(RejectionReporter, {
      inject: [SessionListener, Clock],
      useFactory: (listener, clock) => new RejectionReporter(name, { listener, clock }),
    }),
    provide(VERIFICATION_TRACE, {
      inject: [TELEMETRY],
      useFactory: (telemetry) => new OperationTrace({ operation: 'verify', name, outcomeOf: () => undefined, telemetry }),
    }),
  ];
}

/** Returns what watches the store of an instance with sessions. */
export function storeEventProviders(name: string): FactoryProvider[] {
  return [
    provide(REFRESH_TRACE, {
      inject: [TELEMETRY],
      useFactory: (telemetry) =>
        new OperationTrace<Presentation>({ operation: 'refresh', name, outcomeOf: ({ outcome }) => outcome, telemetry }),
    }),
    provide(StoreWatch, {
      inject: [SessionListener, Clock],
      useFactory: (listener, clock) => new StoreWatch(name, { listener, clock }),
    }),
    provide(RevocationGauge, {
      inject: [TELEMETRY, RevocationList],
      useFactory: (telemetry, revocations) => new RevocationGauge(telemetry, revocations),
    }),
  ];
}
