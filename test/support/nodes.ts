import { composeInstance } from './instance.js';
import { resolveTokenOptions } from './lib.js';
import type { RefreshService, TokenModuleOptions, TokenRepository } from 'nestjs-token';
import { FakeClock } from 'nestjs-token/testing';

/** A node. For the store, it looks like a process of the application. */
export interface TestNode {
  readonly refresh: RefreshService;
  /** The clock of this node. It must have no influence on rotation. */
  readonly clock: FakeClock;
  close(): void;
}

const HOUR = 3_600_000;
const OPTIONS: TokenModuleOptions = { issuer: 'https://api.example.com', secret: 'Jf8-only-for-tests-9mXq2LrT5wZb7KpV' };

/** Makes an instance of the module on a store, without Nest. `apart` sets its clock forward by this many milliseconds. */
export function openNode(repository: TokenRepository, { realm = 'default', apart = 0, ...options }: NodeOptions = {}): TestNode {
  const clock = new FakeClock();
  clock.advance(apart);
  const instance = composeInstance({ name: realm, options: resolveTokenOptions({ ...OPTIONS, ...options }, realm), repository, clock });
  return { refresh: instance.refresh, clock, close: () => void instance.onModuleDestroy() };
}

export type NodeOptions = Partial<TokenModuleOptions> & { realm?: string; apart?: number };

/** Makes two nodes on one store whose clocks are twelve hours apart (P10). */
export function openNodes(repository: TokenRepository, options: NodeOptions = {}): [TestNode, TestNode] {
  return [openNode(repository, { ...options, apart: -5 * HOUR }), openNode(repository, { ...options, apart: 7 * HOUR })];
}
