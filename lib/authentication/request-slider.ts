import type { OutageLog } from '../events/outage-log.js';
import { TokenError, UserRejected } from '../errors/token.errors.js';
import type { Principal } from '../principal/principal.js';
import type { TokenSlider } from '../stateless/token-slider.js';
import type { Credential } from '../transport/token-transport.js';
import type { RequestCheck } from './request-check.js';
import type { Authentication, TokenOperation } from './token-operation.js';
import { checkedRequest, mayCarryTokens } from './token-operation.js';

/** What a slider of requests works with. */
export interface RequestSliderPorts {
  readonly slider: TokenSlider;
  readonly check: RequestCheck;
  readonly outages: OutageLog;
}

/**
 * Replaces the access token of a request that has been authenticated, if it is due (`access.sliding`), and if the response can carry the
 * next one in the same place.
 */
export class RequestSlider {
  /** @param sources the places in which a token slides. A token in an address or in a body never does. */
  constructor(
    private readonly sources: readonly Credential['source'][],
    private readonly ports: RequestSliderPorts,
  ) {}

  /** Tells whether the token of a caller is due. It does no I/O. */
  isDue(principal: Principal): boolean {
    return this.ports.slider.isDue(principal);
  }

  /**
   * Replaces the token of an authentication.
   * @returns the authentication with the new token and its caller, or the same one if the token stays.
   * @throws {UserRejected} rejects with it if the user is gone or disabled. Any other failure leaves the token as it is, because it is
   * good.
   */
  slide(operation: TokenOperation, authentication: Authentication): Authentication | Promise<Authentication> {
    const { request, response } = operation;
    const source = authentication.credentials.access?.source;
    const mayTravel = source !== undefined && this.sources.includes(source);
    if (!mayTravel || !response || !this.isDue(authentication.principal) || !mayCarryTokens(request, response)) return authentication;
    return this.replace(operation, authentication);
  }

  private async replace(operation: TokenOperation, authentication: Authentication): Promise<Authentication> {
    const { principal, credentials } = authentication;
    const { slider, check, outages } = this.ports;
    try {
      if (check.concerns(credentials)) await check.check('slide', checkedRequest(operation, credentials, principal));
      const issued = await slider.slide(principal);
      return issued ? { principal: { ...issued.principal }, credentials, issued: issued.tokens } : authentication;
    } catch (error) {
      if (error instanceof UserRejected || !(error instanceof TokenError)) throw error;
      if (error.getStatus() >= 500) outages.report(error);
      return authentication;
    }
  }
}
