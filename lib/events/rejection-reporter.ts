import { isSessionId } from '../access-token/access-token.claims.js';
import type { TokenError } from '../errors/token.errors.js';
import { CsrfFailed } from '../errors/token.errors.js';
import type { EventPorts } from '../session/session-listener.js';

/** Makes an event of each request that is refused. */
export class RejectionReporter {
  /** @param name name of the instance. */
  constructor(
    private readonly name: string,
    private readonly ports: EventPorts,
  ) {}

  /** Reports the error that a request is refused with. */
  report(error: TokenError): void {
    const { listener, clock } = this.ports;
    const type = error instanceof CsrfFailed ? 'csrf-rejected' : 'access-rejected';
    if (!listener.wants(type)) return;
    const sessionId = sessionOf(error);
    listener.on({ type, realm: this.name, at: clock.now(), code: error.errorCode, ...(sessionId !== undefined && { sessionId }) });
  }
}

/** Returns the session that an error is about. It comes from a token whose signature or MAC was right. */
function sessionOf(error: TokenError): string | undefined {
  const { sessionId } = error as { sessionId?: unknown };
  return isSessionId(sessionId) ? sessionId : undefined;
}
