import { expect, it } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import type { FaultBed } from '../faults/support/fault-bed.js';
import { faultBeds } from '../faults/support/fault-bed.js';
import type { FaultClient } from '../faults/support/fault-client.js';
import { describeWith } from '../support/needs.js';
import { tokensOn } from '../support/token-store.js';
import type { DrippedRequest, PendingResponse } from './support/pending-request.js';
import { drippedBytes, drippedFile } from './support/pending-request.js';

/** G, milliseconds: one half of it is enough for a quick response on a loaded machine. */
const GRACE = 2_000;
/** Uploads that the thief begins at each of his turns. */
const UPLOADS = 5;

const describeHere = await describeWith('postgres');

describeHere('a thief with slow uploads', () => {
  const open = faultBeds();

  it.each([
    { adapter: 'express', transport: 'header', path: '/upload', drip: drippedFile, what: 'a file for multer' },
    { adapter: 'express', transport: 'cookie', path: '/drain', drip: drippedBytes, what: 'a body that the handler reads' },
    { adapter: 'fastify', transport: 'header', path: '/drain', drip: drippedBytes, what: 'a body that the handler reads' },
    { adapter: 'fastify', transport: 'cookie', path: '/drain', drip: drippedBytes, what: 'a body that the handler reads' },
  ] as const)(
    'is found after at most three changes of holder while he keeps them open, on $adapter with $what, transport $transport (F-02)',
    async ({ adapter, transport, path, drip }) => {
      const bed = await open({ engine: 'postgres', transport, nodes: [{ adapter, options: { refresh: { grace: `${GRACE}ms` } } }] });
      const { victim, thief } = await stolenSession(bed);
      const uploads: DrippedRequest[] = [];
      const thieve = async (): Promise<string> => {
        const headers = thief.headers('refresh', 'POST');
        for (let count = 0; count < UPLOADS; count += 1) uploads.push(drip({ port: bed.node.port, path, headers }));
        await delay(GRACE / 5);
        return outcomeOf(bed, thief);
      };
      expect(await thieve()).toBe('let in');
      expect([(await bed.node.status()).open, (await bed.row(victim)).generation]).toEqual([UPLOADS, 2]);
      const changes = await changesUntilFound(bed, { victim, turns: [() => outcomeOf(bed, victim), thieve] });
      for (const upload of uploads) upload.abort();
      expect(changes).toBeLessThanOrEqual(3);
      await expectEnded(bed, [victim, thief]);
    },
    30_000,
  );

  /* No late response carries a token, so that he keeps the one that he has stolen. It is too old when the victim has rotated once. */
  it.each([
    { adapter: 'express', transport: 'header', path: '/upload', drip: drippedFile },
    { adapter: 'fastify', transport: 'mixed', path: '/drain', drip: drippedBytes },
  ] as const)(
    'is found after at most four changes when all his responses are late, on $adapter, transport $transport (F-02)',
    async ({ adapter, transport, path, drip }) => {
      const bed = await open({ engine: 'postgres', transport, nodes: [{ adapter, options: { refresh: { grace: `${GRACE}ms` } } }] });
      const { victim, thief } = await stolenSession(bed);
      const responses: (PendingResponse | null)[] = [];
      const thieve = async (): Promise<string> => {
        const upload = drip({ port: bed.node.port, path, headers: thief.headers('refresh', 'POST') });
        await delay(0.7 * GRACE);
        // A refusal that comes before the body is complete may be cut off by the reset that follows it.
        responses.push(await upload.finish().catch(() => null));
        return (await bed.row(thief)).revokedAt === null ? 'let in' : 'refused';
      };
      expect(await thieve()).toBe('let in');
      expect(responses).toMatchObject([{ status: 200 }]);
      const changes = await changesUntilFound(bed, { victim, turns: [() => outcomeOf(bed, victim), thieve] });
      expect(changes).toBeLessThanOrEqual(4);
      const renewed = responses.map((response) => response && tokensOn(transport, { ...response, text: '' }).refresh);
      expect(renewed.filter((token) => typeof token === 'string')).toEqual([]);
      await expectEnded(bed, [victim, thief]);
    },
    30_000,
  );
});

/** A session that has been used, and a copy of its current token. */
async function stolenSession(bed: FaultBed): Promise<{ victim: FaultClient; thief: FaultClient }> {
  const victim = await bed.signIn('victim');
  await victim.refresh(bed.node);
  await bed.age(victim, 3 * GRACE);
  bed.oracle.ends(victim.sessionId, { acknowledged: false });
  return { victim, thief: victim.copy() };
}

async function outcomeOf(bed: FaultBed, client: FaultClient): Promise<string> {
  const { status, errorCode } = await client.refresh(bed.node);
  if (status !== 200 && status !== 401) throw new Error(`${status ?? 'no response'} ${errorCode ?? ''}`);
  return status === 200 ? 'let in' : 'refused';
}

interface Turns {
  readonly victim: FaultClient;
  /** The victim's, and the thief's. */
  readonly turns: readonly [() => Promise<string>, () => Promise<string>];
}

/** Lets the holders take turns, more than twice the grace period apart. @returns changes of holder until one is refused. */
async function changesUntilFound(bed: FaultBed, { victim, turns }: Turns): Promise<number> {
  for (let changes = 1; changes <= 10; changes += 1) {
    await bed.age(victim, 3 * GRACE);
    // Time for a process to write, if it does so for a response that waits.
    await delay(0.6 * GRACE);
    if ((await turns[(changes - 1) % 2]!()) === 'refused') return changes;
  }
  return Infinity;
}

async function expectEnded(bed: FaultBed, holders: readonly FaultClient[]): Promise<void> {
  expect(await bed.row(holders[0]!)).toMatchObject({ revokeReason: 'reuse' });
  for (const holder of holders) expect((await holder.hoarder().refresh(bed.node)).errorCode).toBe('session_revoked');
}
