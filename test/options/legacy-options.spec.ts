import { afterEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { LegacyOptions } from 'nestjs-token';
import { FakeClock, InMemoryTokenRepository } from 'nestjs-token/testing';
import { CapturedLog } from '../support/captured-log.js';
import { composeInstance } from '../support/instance.js';
import { resolveTokenOptions } from '../support/lib.js';
import { optionsWith } from '../support/option-cases.js';
import { refusalOf } from '../support/option-refusal.js';

const exchange = () => null;
const verify = () => null;
const resolve = (legacy: unknown) => resolveTokenOptions(optionsWith({ legacy }), 'default').legacy;

describe('the options of the migration bridge', () => {
  it('are null if there is no bridge', () => {
    expect(resolveTokenOptions(optionsWith({}), 'default').legacy).toBeNull();
  });

  it.each([
    ['2027-03-31', '2027-03-31T00:00:00.000Z'],
    ['2028-02-29', '2028-02-29T00:00:00.000Z'],
    ['2027-03-31T18:00Z', '2027-03-31T18:00:00.000Z'],
    ['2027-03-31T18:00:30+02:00', '2027-03-31T16:00:30.000Z'],
    ['2027-03-31T18:00:00.250-01:30', '2027-03-31T19:30:00.250Z'],
    [new Date('2027-03-31T18:00:00Z'), '2027-03-31T18:00:00.000Z'],
  ])('take %s as the end', (until, instant) => {
    expect(new Date(resolve({ until, verify })!.untilMs).toISOString()).toBe(instant);
  });

  it.each<[unknown, string]>([
    ['2027-03-31T18:00:00', 'has no offset, so its meaning depends on the node'],
    ['2027-02-29', 'is no day'],
    ['2027-04-31T12:00Z', 'is no day'],
    ['2027-13-01', 'is no month'],
    ['2027-03-31T25:00Z', 'is no time of day'],
    ['31.03.2027', 'is another notation'],
    ['March 31, 2027', 'is another notation'],
    ['1806451200000', 'is a number in text'],
    ['', 'is empty'],
    ['undefined', 'is a missing value in text'],
    [1_806_451_200_000, 'is a number, of which nobody sees the unit'],
    [new Date(NaN), 'is no date'],
    [{}, 'is an object'],
  ])('refuse the end %p, because it %s', (until) => {
    const error = refusalOf(() => resolve({ until, verify }));
    expect([error.option, error.message]).toEqual(['legacy.until', expect.stringMatching(/is not a Date, nor text such as '2027-03-31'/)]);
  });

  it.each<[string, unknown, string, RegExp]>([
    ['no end', { verify }, 'legacy.until', /is not a Date/],
    ['an end from a missing variable', { until: undefined, verify }, 'legacy.until', /environment variable set\?$/],
    ['no hook', { until: '2027-03-31' }, 'legacy', /neither `verify` nor `exchange`/],
    ['a hook that is a text', { until: '2027-03-31', verify: 'jwt' }, 'legacy.verify', /a function/],
    ['an exchange that is an object', { until: '2027-03-31', exchange: {} }, 'legacy.exchange', /a function/],
    ['an unknown key', { until: '2027-03-31', verify, secret: 'x' }, 'legacy.secret', /legacy takes until, verify, exchange/],
    ['something else than a group', true, 'legacy', /an object/],
  ])('refuse %s, and name the option', (_, legacy, option, remedy) => {
    const error = refusalOf(() => resolve(legacy));
    expect([error.option, error.message]).toEqual([option, expect.stringMatching(remedy)]);
  });
});

describe('the log at start-up', () => {
  afterEach(() => Logger.overrideLogger(['log', 'error', 'warn', 'debug', 'verbose', 'fatal']));

  async function warningsOf(legacy: LegacyOptions, now: string): Promise<string[]> {
    const clock = new FakeClock(Date.parse(now));
    const log = new CapturedLog();
    Logger.overrideLogger(log);
    const repository = new InMemoryTokenRepository(clock);
    const instance = composeInstance({ options: resolveTokenOptions(optionsWith({ legacy }), 'default'), repository, clock });
    await instance.onModuleInit();
    await instance.onModuleDestroy();
    return log.of('warn');
  }

  it('has no warning while the bridge is open', async () => {
    expect(await warningsOf({ until: '2030-02-01', verify, exchange }, '2030-01-31T23:59:59.999Z')).toEqual([]);
  });

  it('warns from the end of the bridge on', async () => {
    const warnings = await warningsOf({ until: '2030-02-01', verify }, '2030-02-01T00:00Z');
    expect(warnings).toEqual([
      'warn legacy.until: 2030-02-01T00:00:00.000Z has passed, so no more old tokens are accepted; remove the option TokenModule',
    ]);
  });

  it('warns if the bridge lasts longer than the row of an exchanged token', async () => {
    expect(await warningsOf({ until: '2030-04-01', exchange }, '2030-01-01T00:00Z')).toEqual([]);
    expect(await warningsOf({ until: '2030-04-01T00:00:00.001Z', exchange }, '2030-01-01T00:00Z')).toEqual([
      expect.stringMatching(/is later than refresh\.absoluteLifetime from now/),
    ]);
    expect(await warningsOf({ until: '2031-01-01', verify }, '2030-01-01T00:00Z')).toEqual([]);
  });
});
