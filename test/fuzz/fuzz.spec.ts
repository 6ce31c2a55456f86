import { Logger } from '@nestjs/common';
import { afterAll, describe, expect, it } from '@jest/globals';
import { Fuzzer } from './fuzzer.js';
import { linesWithTokens } from './leak-search.js';
import { Random } from './random.js';
import { damaged, mutated } from './text-mutations.js';

describe('random and mutated requests (npm run fuzz)', () => {
  afterAll(() => Logger.overrideLogger(true));

  it('ER-04 cause no 5xx, no lost session, no unhandled error and no token in the log, on both adapters and in every mode', async () => {
    const report = await new Fuzzer({ seed: 20_300_101, runs: 1_200 }).run();
    expect(report.problems).toEqual([]);
    expect([...report.statuses.keys()]).toEqual(expect.arrayContaining([101, 200, 204, 400, 401, 403, 404, 415]));
    expect([...report.events.keys()]).toEqual(expect.arrayContaining(['signed-in', 'rotated', 'revoked']));
    expect(report.refreshes).toBeGreaterThan(0);
  }, 120_000);

  it('are the same for the same seed', () => {
    const texts = (seed: number) => Array.from({ length: 100 }, (_, stream) => mutated('ntr_abc.def', new Random(seed, stream)));
    expect(texts(1)).toEqual(texts(1));
    expect(texts(1)).not.toEqual(texts(2));
  });

  it('never contain an honest token as it is', () => {
    const token = `ntr_${'aA'.repeat(26)}`;
    const sent = Array.from({ length: 20_000 }, (_, stream) => damaged(token, new Random(7, stream)));
    expect(sent.filter((text) => text.trim() === token)).toEqual([]);
  });

  it('are found in the log, also if a line shows only a part of a token', () => {
    const token = `header.payload.${'abcdefghij'.repeat(5)}`;
    expect(linesWithTokens(['nothing', `token=${token}`, `…${token.slice(-42)}`, 'abcdefghij'], [token])).toHaveLength(2);
  });
});
