import type { EventPorts } from '../session/session-listener.js';

/** Returns a function that makes an event of each key that this node refuses from now on. */
export function keyRetirementTeller(name: string, { listener, clock }: EventPorts): (kid: string) => void {
  return (kid) => {
    if (listener.wants('key-retired')) listener.on({ type: 'key-retired', realm: name, at: clock.now(), kid });
  };
}
