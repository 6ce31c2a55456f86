import * as common from '@nestjs/common';
import type { ApplicationConfig, ModulesContainer } from '@nestjs/core';
import { TokenOptionsError } from '../errors/token.errors.js';
import type { Method } from './declared-handlers.js';
import { classesIn, hasTokenGuard, isGatewayMessage, isTokenGuard, methodsOf } from './declared-handlers.js';
import { accessOf } from './route-policy.js';

/** Whether this is Nest 12, which has this pipe and runs global guards for the messages of gateways. */
const GUARDS_MESSAGES = 'StandardSchemaValidationPipe' in common;

/**
 * Checks that no gateway relies on a global guard where Nest runs none for messages. Nest 11 and older do not, so that every message of an
 * open socket would reach its handler.
 *
 * @param guardsMessages whether Nest runs global guards for messages.
 * @throws {TokenOptionsError} naming the class and the method.
 */
export function requireMessageGuards(modules: ModulesContainer, config: ApplicationConfig, guardsMessages = GUARDS_MESSAGES): void {
  if (guardsMessages || !config.getGlobalGuards().some(isTokenGuard)) return;
  const methods = [...classesIn(modules)].flatMap(methodsOf);
  const unguarded = methods.find((method) => isGatewayMessage(method.handler) && !isGuarded(method));
  if (!unguarded) return;
  throw new TokenOptionsError(
    'globalGuard',
    `does not guard ${unguarded.name}, because Nest 11 runs no global guards for the messages of gateways: put @UseGuards(JwtAuthGuard) on ${unguarded.owner.name}, or mark the method with @Public()`,
  );
}

function isGuarded({ owner, handler }: Method): boolean {
  return accessOf(owner, handler) === 'public' || hasTokenGuard(owner) || hasTokenGuard(handler);
}
