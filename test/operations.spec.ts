import { afterEach, describe, expect, it } from '@jest/globals';
import type { TokenModuleOptions } from 'nestjs-token';
import type { ComposedInstance } from './support/instance.js';
import { composeInstance } from './support/instance.js';
import { resolveTokenOptions } from './support/lib.js';
import { FakeClock, InMemoryTokenRepository } from 'nestjs-token/testing';

const OLD = 'the-old-one-Jf8w9mXq2LrT5wZb7KpVa4nC';
const NEW = 'the-new-one-Zk3vQ8sDy6HgT1bNx5RcU7eM';
const HS256 = 'HS256';

/** The phases of docs/operations.md, and what was before them. */
const ACCESS_PHASES: Partial<TokenModuleOptions>[] = [
  { secret: OLD },
  { keys: [{ algorithm: HS256, key: OLD, use: 'sign' }], refresh: { secret: OLD } },
  {
    keys: [
      { algorithm: HS256, key: OLD, use: 'sign' },
      { algorithm: HS256, key: NEW, use: 'verify' },
    ],
    refresh: { secret: OLD },
  },
  {
    keys: [
      { algorithm: HS256, key: NEW, use: 'sign' },
      { algorithm: HS256, key: OLD, use: 'verify' },
    ],
    refresh: { secret: OLD },
  },
];
const ACCESS_DONE: Partial<TokenModuleOptions> = { keys: [{ algorithm: HS256, key: NEW, use: 'sign' }], refresh: { secret: OLD } };
const REFRESH_PHASES: Partial<TokenModuleOptions>[] = [
  { secret: OLD },
  { secret: OLD, refresh: { keys: [{ secret: OLD, use: 'sign' }] } },
  {
    secret: OLD,
    refresh: {
      keys: [
        { secret: OLD, use: 'sign' },
        { secret: NEW, use: 'verify' },
      ],
    },
  },
  {
    secret: OLD,
    refresh: {
      keys: [
        { secret: NEW, use: 'sign' },
        { secret: OLD, use: 'verify' },
      ],
    },
  },
];
const REFRESH_DONE: Partial<TokenModuleOptions> = { secret: OLD, refresh: { keys: [{ secret: NEW, use: 'sign' }] } };

const adjacent = (phases: Partial<TokenModuleOptions>[]) =>
  phases.slice(1).map((phase, index) => [index, index + 1, phases[index], phase] as const);

describe('docs/operations.md, rotating keys (R-22)', () => {
  const opened: ComposedInstance[] = [];
  afterEach(() => Promise.all(opened.splice(0).map((instance) => instance.onModuleDestroy())));

  /** Two nodes on one store, of one phase and of the next. */
  function nodes(...phases: (Partial<TokenModuleOptions> | undefined)[]): ComposedInstance[] {
    const clock = new FakeClock();
    const repository = new InMemoryTokenRepository(clock);
    const made = phases.map((phase) => {
      const options = resolveTokenOptions({ issuer: 'https://api.example.com', ...phase }, 'default');
      return composeInstance({ name: 'default', options, repository, clock });
    });
    opened.push(...made);
    return made;
  }

  it.each([...adjacent(ACCESS_PHASES), ...adjacent(REFRESH_PHASES)])(
    'lets nodes of the steps %i and %i accept what the other one has issued',
    async (_, __, before, after) => {
      const [here, there] = nodes(before, after) as [ComposedInstance, ComposedInstance];
      for (const [issuer, other] of [
        [here, there],
        [there, here],
      ] as const) {
        const pair = await issuer.refresh.signIn('alice');
        expect((await other.accessTokens.verify(pair.accessToken)).sub).toBe('alice');
        const rotated = await other.refresh.rotate(pair.refreshToken);
        expect(['rotated', 'kept']).toContain(rotated.outcome);
        expect((await issuer.accessTokens.verify(rotated.pair.accessToken)).sub).toBe('alice');
      }
    },
  );

  it('ends with the old access key refused, and the old refresh token too', async () => {
    const [first, accessDone, refreshDone] = nodes(ACCESS_PHASES[0], ACCESS_DONE, REFRESH_DONE) as [
      ComposedInstance,
      ComposedInstance,
      ComposedInstance,
    ];
    const pair = await first.refresh.signIn('alice');
    await expect(accessDone.accessTokens.verify(pair.accessToken)).rejects.toMatchObject({ errorCode: 'token_invalid' });
    expect((await accessDone.refresh.rotate(pair.refreshToken)).outcome).toBe('rotated');
    await expect(refreshDone.refresh.rotate(pair.refreshToken)).rejects.toMatchObject({ errorCode: 'refresh_invalid' });
  });
});
