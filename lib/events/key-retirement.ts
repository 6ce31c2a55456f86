import type { RejectionPorts } from './rejection-reporter.js';

/** Returns a function that makes an event of each key that this node refuses from now on. */
export function keyRetirementTeller(name: string, { listener, clock }: RejectionPorts): (kid: string) => void {
  return (kid) => {
    if (listener.wants('key-retired')) listener.on({ type: 'key-retired', realm: name, at: clock.now(), kid });
  };
}
