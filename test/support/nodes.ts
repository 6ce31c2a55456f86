import { composeInstance } from './instance.js';
import { resolveTokenOptions } from './lib.js';
import type { RefreshService, TokenModuleOptions, TokenRepository } from 'nestjs-token';
import { FakeClock } from 'nestjs-token/testing';

/** One process of the application, as far as a store can tell. */
export interface TestNode {
  readonly refresh: RefreshService;
  /** The clock of this node, which must play no part in rotation. */
  readonly clock: FakeClock;
  close(): void;
}

const HOUR = 3_600_000;
const OPTIONS: TokenModuleOptions = { issuer: 'https://api.example.com', secret: 'Jf8-only-for-tests-9mXq2LrT5wZb7KpV' };

/** Composes a module instance over a store, without Nest. `apart`: how far its clock is from another's, milliseconds. */
export function openNode(repository: TokenRepository, { realm = 'default', apart = 0, ...options }: NodeOptions = {}): TestNode {
  const clock = new FakeClock();
  clock.advance(apart);
  const instance = composeInstance({ name: realm, options: resolveTokenOptions({ ...OPTIONS, ...options }, realm), repository, clock });
  return { refresh: instance.refresh, clock, close: () => void instance.onModuleDestroy() };
}

export type NodeOptions = Partial<TokenModuleOptions> & { realm?: string; apart?: number };

/** Two nodes over one store, whose clocks are twelve hours apart (P10). */
export function openNodes(repository: TokenRepository, options: NodeOptions = {}): [TestNode, TestNode] {
  return [openNode(repository, { ...options, apart: -5 * HOUR }), openNode(repository, { ...options, apart: 7 * HOUR })];
}
