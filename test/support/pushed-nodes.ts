import { expect } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { getDataSourceToken, TypeOrmModule } from '@nestjs/typeorm';
import type { TokenPair } from 'nestjs-token';
import { RefreshService, RevocationPush, TokenModule, TokenRepository } from 'nestjs-token';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { DataSource, DataSourceOptions } from 'typeorm';
import type { ResolvedTokenOptions } from './lib.js';
import { pollingEvery } from './instance.js';
import { RESOLVED_OPTIONS, REVOCATION_HINTS, RevocationList } from './lib.js';
import { call, ISSUER, MeController, SECRET } from './app.js';

/** An interval that is so long that a node polls only after a hint. */
export const NO_POLLS = 3_600_000;

export interface PushedNodeSetup {
  /** Options of the node's DataSource. */
  database: DataSourceOptions;
  push: (dataSource: DataSource) => RevocationPush;
  /** Milliseconds from one regular poll to the next. @defaultValue the same as in production */
  pollIntervalMs?: number;
}

/** An application that listens, with a push channel and a database that it shares with others. */
export class PushedNode {
  private constructor(
    readonly app: INestApplication,
    private readonly count: () => number,
  ) {}

  static async start({ database, push, pollIntervalMs }: PushedNodeSetup): Promise<PushedNode> {
    let polls = 0;
    const imports = [
      TypeOrmModule.forRoot({ ...database, migrationsRun: false, synchronize: false }),
      TokenModule.forRootAsync({
        inject: [getDataSourceToken()],
        useFactory: (dataSource: DataSource) => ({ issuer: ISSUER, secret: SECRET, push: push(dataSource) }),
      }),
    ];
    @Module({ imports, controllers: [MeController] })
    class NodeModule {}
    const compiled = await Test.createTestingModule({ imports: [NodeModule] })
      .overrideProvider(RevocationList)
      .useFactory({
        inject: [RESOLVED_OPTIONS, TokenRepository, REVOCATION_HINTS],
        factory: (options: ResolvedTokenOptions, repository: TokenRepository, hints: unknown) => {
          const revokedSince = repository.revokedSince.bind(repository);
          repository.revokedSince = async (...args) => {
            polls += 1;
            return revokedSince(...args);
          };
          return pollingEvery(pollIntervalMs, { name: 'default', options, repository, hints });
        },
      })
      .compile();
    const app: INestApplication = compiled.createNestApplication();
    await app.listen(0, '127.0.0.1');
    return new PushedNode(app, () => polls);
  }

  get refresh(): RefreshService {
    return this.app.get(RefreshService);
  }

  /** The number of times that it has read revocations from the store. */
  get polls(): number {
    return this.count();
  }

  /** Whether a request with the access token of the pair gets a response with `token_revoked`. */
  async refuses({ accessToken }: TokenPair): Promise<boolean> {
    const { port } = this.app.getHttpServer().address() as AddressInfo;
    const answer = await call({ port, path: '/me', headers: { authorization: `Bearer ${accessToken}` } });
    return answer.json().errorCode === 'token_revoked';
  }

  /** Returns the milliseconds until it refuses the pair. Rejects if that takes longer than `withinMs`. */
  async refusesWithin(withinMs: number, pair: TokenPair): Promise<number> {
    const startedAt = performance.now();
    while (!(await this.refuses(pair))) {
      if (performance.now() - startedAt > withinMs) throw new Error(`not refused within ${withinMs} ms`);
      await delay(5);
    }
    return performance.now() - startedAt;
  }

  close(): Promise<void> {
    return this.app.close();
  }
}

/**
 * Floods a node with hints, and then revokes a session elsewhere. The node must see that within a second, and must not have polled more often
 * than every 50 ms.
 * @param flood takes at least a second.
 */
export async function expectSteadyPolls(node: PushedNode, other: PushedNode, flood: () => Promise<void>): Promise<void> {
  const before = node.polls;
  const startedAt = performance.now();
  await flood();
  const pair = await other.refresh.signIn('alice');
  await other.refresh.signOut(pair.refreshToken);
  await node.refusesWithin(1_000, pair);
  const seconds = (performance.now() - startedAt) / 1_000;
  expect(node.polls - before).toBeGreaterThan(1);
  expect(node.polls - before).toBeLessThanOrEqual(20 * seconds + 2);
}
