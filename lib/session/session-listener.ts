import type { Clock } from '../clock.js';
import type { TokenErrorCode } from '../protocol/token-errors.js';
import type { RotationOutcome } from './rotation.js';
import type { RevokeReason } from './token-session.js';

/** What every event says. */
export interface EventOrigin {
  /** Name of the module instance. */
  readonly realm: string;
  /** Epoch milliseconds. If the store was asked, the instant is by its clock, otherwise by the clock of this node. */
  readonly at: number;
}

/** Something that happened to a session, or to all sessions of a subject. It contains ids only, never a token. */
export type SessionEvent = EventOrigin &
  (
    | {
        readonly type:
          'signed-in' | 'exchanged' | 'reauthenticated' | 'access-revoked' | RotationOutcome | 'reuse' | 'limited' | 'user-rejected';
        readonly sessionId: string;
        readonly subject: string;
      }
    | { readonly type: 'revoked'; readonly sessionId: string; readonly reason: RevokeReason }
    | { readonly type: 'all-revoked'; readonly subject: string; readonly reason: RevokeReason; readonly sessionIds: readonly string[] }
  );

/**
 * A request that was refused. `csrf-rejected` means that a page of another site may have sent it. `access-rejected` stands for every other
 * {@link TokenError}. Nothing in it comes from the request, except for the session of an authentic token.
 */
export type RejectionEvent = EventOrigin & {
  readonly type: 'csrf-rejected' | 'access-rejected';
  /** The code of the error that the client gets. */
  readonly code: TokenErrorCode;
  /** The session that the tokens of the request belong to. Left out unless a token was authentic and the error knows its session. */
  readonly sessionId?: string;
};

/**
 * The session store does not respond, or responds again. There is one event when an outage begins, and one when it is over: a statement has
 * succeeded, and none has failed for a second.
 */
export type StoreEvent = EventOrigin & { readonly type: 'store-unavailable' | 'store-recovered' };

/** This node refuses a key from now on, because of `AccessTokenService.retireKey` or `reloadKeys`. */
export type KeyEvent = EventOrigin & {
  readonly type: 'key-retired';
  /** The `kid` of the key. */
  readonly kid: string;
};

/**
 * Everything that this package tells an application about. Switch on `type`. A later version may add types. No event contains a token, a
 * secret, or text of an attacker.
 *
 * @example
 * ```ts
 * onEvent: (event) => {
 *   if (event.type === 'reuse') alertUser(event.subject);
 * },
 * ```
 */
export type TokenEvent = SessionEvent | RejectionEvent | StoreEvent | KeyEvent;

/**
 * Port: receives every {@link TokenEvent}. The default passes them to the log, to the `onEvent` option, to `TokenEvents`, to the channels
 * of `node:diagnostics_channel` and to OpenTelemetry. Replace it with `overrideProvider(SessionListener)`: none of these is told any more
 * then.
 */
export abstract class SessionListener {
  /**
   * Tells whether anybody wants events of this type. If not, none is made. It is asked before each event, so it must be fast.
   * @returns `true`, unless it is overridden.
   */
  wants(_type: TokenEvent['type']): boolean {
    return true;
  }

  /** Receives an event. It must neither throw nor wait, because a request is under way. */
  abstract on(event: TokenEvent): void;
}

/** What makes events that are not about a session in the store. */
export interface EventPorts {
  readonly listener: SessionListener;
  /** The clock of this node. It dates the events. */
  readonly clock: Clock;
}
