import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Agent } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import type { TransportMode } from 'nestjs-token';
import { AccessTokenIssuer, LocalSigner, resolveTokenOptions } from '../support/lib.js';
import type { Answer } from '../support/app.js';
import { call } from '../support/app.js';
import { describeOn } from '../support/databases.js';
import { carrying, tokensOn } from '../support/token-store.js';
import { Cluster } from './cluster.js';
import type { SignedIn } from './worker/messages.js';
import { REALM, WORKER_OPTIONS } from './worker/messages.js';

/** How tokens travel: each way on at least one of the engines. */
const TRANSPORTS = { postgres: ['header', 'cookie'], mariadb: ['header', 'mixed'] } as const;
const REQUESTS = 1_000;
const MINUTE = 60_000;

jest.setTimeout(MINUTE);

for (const engine of ['postgres', 'mariadb'] as const) {
  const describeHere = await describeOn(engine);

  describeHere(`four applications on Fastify over ${engine}`, () => {
    describe.each(TRANSPORTS[engine])('transport %s', (transport) => suite(engine, transport));
  });
}

function suite(engine: 'postgres' | 'mariadb', transport: TransportMode): void {
  const agent = new Agent({ keepAlive: true });
  let cluster: Cluster;
  beforeAll(async () => void (cluster = await Cluster.start(engine, { serves: 'http', options: { transport } })));
  afterAll(async () => {
    agent.destroy();
    await cluster.stop();
  });

  const me = (node: number, { accessToken, refreshToken }: Pick<SignedIn, 'accessToken'> & Partial<SignedIn>): Promise<Answer> => {
    const headers = carrying(transport, { access: accessToken, refresh: refreshToken });
    return call({ port: cluster.node(node).port!, agent, path: '/me', headers });
  };

  it('answer 1,000 parallel requests with one expired pair with 200, one rotation and one successor', async () => {
    const pair = await expired(await cluster.signInOnce());
    const answers = await Promise.all(Array.from({ length: REQUESTS }, (_, index) => me(index % 4, pair)));
    expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
    expect(answers).toHaveLength(REQUESTS);
    const received = answers.map((answer) => tokensOn(transport, answer));
    const successors = new Set(received.map(({ refresh }) => refresh));
    expect([successors.size, received.filter(({ deleted, isExposed }) => deleted.length > 0 || isExposed)]).toEqual([1, []]);
    expect([...successors][0]).not.toBe(pair.refreshToken);
    const rotations = await Promise.all(cluster.nodes.map((node) => node.ask<number>({ do: 'count rotations' })));
    expect(rotations.reduce((sum, count) => sum + count)).toBe(1);
    expect(await cluster.table.all()).toMatchObject([{ id: pair.sessionId, generation: 1, windowCount: 1 }]);
  });

  it('answer 1,000 parallel requests with one old refresh token with 200, one session and one successor', async () => {
    const headers = carrying(transport, { access: 'an-old-access-token', refresh: 'old-refresh-token-of-carol' });
    const old = (node: number): Promise<Answer> => call({ port: cluster.node(node).port!, agent, path: '/me', headers });
    const answers = await Promise.all(Array.from({ length: REQUESTS }, (_, index) => old(index % 4)));
    expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
    expect(new Set(answers.map((answer) => tokensOn(transport, answer).refresh)).size).toBe(1);
    const rows = (await cluster.table.all()).filter(({ subject }) => subject === 'carol');
    expect(rows).toMatchObject([{ id: answers[0]!.json()['sid'], generation: 1, windowCount: 1 }]);
  });

  it('refuse the access tokens of a session within a second of its end on another process', async () => {
    const pair = await cluster.signInOnce();
    const held = { accessToken: pair.accessToken };
    for (let node = 0; node < 4; node += 1) expect((await me(node, held)).status).toBe(200);
    await cluster.node(0).ask({ do: 'sign out', tokens: [pair.refreshToken], realm: REALM, at: 0n });
    expect((await me(0, held)).status).toBe(401);
    await wait(1_000);
    for (let node = 1; node < 4; node += 1) {
      const answer = await me(node, held);
      expect([answer.status, answer.json()['errorCode']]).toEqual([401, 'token_revoked']);
    }
  });
}

/** The pair as it is an hour later: with an access token that has expired. */
async function expired(pair: SignedIn): Promise<SignedIn> {
  const { access } = resolveTokenOptions(WORKER_OPTIONS, REALM);
  const at = Date.now() - 60 * MINUTE;
  const draft = { subject: 'alice', sessionId: pair.sessionId, claims: {}, at, authTime: at, lifetimeMs: 15 * MINUTE };
  return { ...pair, accessToken: (await new AccessTokenIssuer(access, new LocalSigner(access.ring)).issue(draft)).token };
}
