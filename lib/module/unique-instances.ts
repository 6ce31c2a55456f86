import type { ModulesContainer } from '@nestjs/core';
import { TokenInstance } from './token-instance.js';
import { TokenOptionsError } from '../errors/token.errors.js';

/**
 * Refuses two instances that one application could not tell apart: of one name, or accepting each other's access tokens.
 * @throws {TokenOptionsError}
 */
export function requireUniqueInstance(self: TokenInstance, modules: ModulesContainer): void {
  for (const other of instancesIn(modules)) {
    if (other === self) continue;
    if (other.realm === self.realm) {
      throw new TokenOptionsError('name', `two TokenModules are named '${self.realm}': import one of them once, and give the other a name`);
    }
    if (acceptsTokensOf(self, other)) {
      throw new TokenOptionsError('keys', `'${self.realm}' and '${other.realm}' share a key, issuer and audience: change one of the three`);
    }
  }
}

/** All module instances of one application. */
export function instancesIn(modules: ModulesContainer): TokenInstance[] {
  const providers = [...modules.values()].flatMap((module) => [...module.providers.values()]);
  return [...new Set(providers.map((provider): unknown => provider.instance))].filter((instance) => instance instanceof TokenInstance);
}

function acceptsTokensOf({ options: { access: ours } }: TokenInstance, { options: { access: theirs } }: TokenInstance): boolean {
  const shareAudience = ours.issuer === theirs.issuer && ours.audience.some((audience) => theirs.audience.includes(audience));
  return shareAudience && ours.ring.all.some(({ kid, key }) => theirs.ring.find(kid)?.key.equals(key));
}
