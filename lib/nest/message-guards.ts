import type { ApplicationConfig, ModulesContainer } from '@nestjs/core';
import { createRequire } from 'node:module';
import { TokenOptionsError } from '../errors/token.errors.js';
import type { Method } from './declared-handlers.js';
import { classesIn, hasTokenGuard, isTokenGuard, methodsOf } from './declared-handlers.js';
import { accessOf } from './route-policy.js';

/** The metadata key that Nest writes on the handlers of messages of a gateway. */
const MESSAGE_KEY = 'websockets:message_mapping';
/** The first major version of Nest that runs global guards for the messages of gateways. */
const GUARDS_MESSAGES = 12;

/**
 * Checks that no gateway relies on a global guard where Nest runs none for messages. Nest 11 and older do not, so that every message of an
 * open socket would reach its handler.
 *
 * @param nestVersion the version of Nest, as in `12.1.1`. If it is unknown, nothing is checked.
 * @throws {TokenOptionsError} naming the class and the method.
 */
export function requireMessageGuards(modules: ModulesContainer, config: ApplicationConfig, nestVersion = versionOfNest()): void {
  if (!(Number.parseInt(nestVersion, 10) < GUARDS_MESSAGES) || !config.getGlobalGuards().some(isTokenGuard)) return;
  const methods = [...classesIn(modules)].flatMap(methodsOf);
  const unguarded = methods.find((method) => isMessage(method) && !isGuarded(method));
  if (!unguarded) return;
  throw new TokenOptionsError(
    'globalGuard',
    `does not guard ${unguarded.name}, because Nest ${nestVersion} runs no global guards for the messages of gateways: put @UseGuards(JwtAuthGuard) on ${unguarded.owner.name}, or mark the method with @Public()`,
  );
}

function isMessage({ handler }: Method): boolean {
  return Reflect.getMetadata(MESSAGE_KEY, handler) === true;
}

function isGuarded({ owner, handler }: Method): boolean {
  return accessOf(owner, handler) === 'public' || hasTokenGuard(owner) || hasTokenGuard(handler);
}

/** Returns the version of Nest, or an empty text if an application is bundled, so that there is no package to ask. */
function versionOfNest(): string {
  try {
    return (createRequire(import.meta.url)('@nestjs/core/package.json') as { version: string }).version;
  } catch {
    return '';
  }
}
