import type { ModulesContainer } from '@nestjs/core';
import { TokenOptionsError } from '../errors/token.errors.js';
import type { ResolvedTransportOptions } from '../options/resolve-transport-options.js';
import { ModuleInstance } from './module-instance.js';

/**
 * Refuses two instances that one application could not tell apart, because they have one name or accept each other's access tokens.
 * @throws {TokenOptionsError} if there is such an instance.
 */
export function requireUniqueInstance(self: ModuleInstance, modules: ModulesContainer): void {
  for (const other of instancesIn(modules)) {
    if (other === self) continue;
    if (other.name === self.name) {
      throw new TokenOptionsError('name', `two TokenModules are named '${self.name}': import one of them once, and give the other a name`);
    }
    const cookie = sharedCookie(self, other);
    if (cookie !== undefined) {
      throw new TokenOptionsError(
        'cookie',
        `'${self.name}' and '${other.name}' both use the cookie ${cookie}: give one of them other names`,
      );
    }
    if (acceptsTokensOf(self, other)) {
      throw new TokenOptionsError('keys', `'${self.name}' and '${other.name}' share a key, issuer and audience: change one of the three`);
    }
  }
}

/** Returns all instances of the module in one application. */
export function instancesIn(modules: ModulesContainer): ModuleInstance[] {
  const providers = [...modules.values()].flatMap((module) => [...module.providers.values()]);
  return [...new Set(providers.map((provider): unknown => provider.instance))].filter((instance) => instance instanceof ModuleInstance);
}

/** Two instances with one cookie would replace and delete each other's tokens. */
function sharedCookie(one: ModuleInstance, other: ModuleInstance): string | undefined {
  const [ours, theirs] = [one, other].map(({ options: { transport } }) => cookiesOf(transport));
  return ours?.find((name) => theirs?.includes(name));
}

function cookiesOf({ usesCookies, cookie: { names } }: ResolvedTransportOptions): readonly string[] {
  return usesCookies ? Object.values(names) : [];
}

function acceptsTokensOf({ options: { access: ours }, keys }: ModuleInstance, { options, keys: others }: ModuleInstance): boolean {
  const theirs = options.access;
  const shareAudience = ours.issuer === theirs.issuer && ours.audience.some((audience) => theirs.audience.includes(audience));
  return shareAudience && keys.all.some((key) => others.all.some((other) => other.kid === key.kid && other.key.equals(key.key)));
}
