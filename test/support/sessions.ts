import type { TokenEvent, TokenModuleOptions } from 'nestjs-token';
import { FakeClock, InMemoryTokenRepository } from 'nestjs-token/testing';
import { ISSUER, SECRET } from './app.js';
import { composeInstance } from './instance.js';
import { resolveTokenOptions } from './lib.js';

/** A RefreshService as a module composes it, on a clock that stands still. */
export function sessions(given: Partial<TokenModuleOptions> = {}) {
  const clock = new FakeClock();
  const repository = new InMemoryTokenRepository(clock);
  const events: TokenEvent[] = [];
  const onEvent = given.onEvent ?? ((event: TokenEvent) => void events.push(event));
  const options = resolveTokenOptions({ issuer: ISSUER, secret: SECRET, ...given, onEvent }, 'default');
  const { refresh, accessTokens, rotator } = composeInstance({ name: 'default', options, repository, clock });
  const row = async (id: string) => (await repository.find({ realm: 'default', id }))?.session;
  return { refresh, repository, accessTokens, rotator, clock, events, row };
}
