import type { ModulesContainer } from '@nestjs/core';
import { TokenOptionsError } from '../errors/token.errors.js';
import { InstanceLifecycle } from './instance-lifecycle.js';

/**
 * Refuses two instances that one application could not tell apart, because they have one name or accept each other's access tokens.
 * @throws {TokenOptionsError} if there is such an instance.
 */
export function requireUniqueInstance(self: InstanceLifecycle, modules: ModulesContainer): void {
  for (const other of instancesIn(modules)) {
    if (other === self) continue;
    if (other.name === self.name) {
      throw new TokenOptionsError('name', `two TokenModules are named '${self.name}': import one of them once, and give the other a name`);
    }
    if (acceptsTokensOf(self, other)) {
      throw new TokenOptionsError('keys', `'${self.name}' and '${other.name}' share a key, issuer and audience: change one of the three`);
    }
  }
}

/** Returns all instances of the module in one application. */
export function instancesIn(modules: ModulesContainer): InstanceLifecycle[] {
  const providers = [...modules.values()].flatMap((module) => [...module.providers.values()]);
  return [...new Set(providers.map((provider): unknown => provider.instance))].filter((instance) => instance instanceof InstanceLifecycle);
}

function acceptsTokensOf({ options: { access: ours } }: InstanceLifecycle, { options: { access: theirs } }: InstanceLifecycle): boolean {
  const shareAudience = ours.issuer === theirs.issuer && ours.audience.some((audience) => theirs.audience.includes(audience));
  return shareAudience && ours.ring.all.some(({ kid, key }) => theirs.ring.find(kid)?.key.equals(key));
}
