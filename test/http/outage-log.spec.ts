import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { OutageLog } from '../support/lib.js';
import { StoreConflict, StoreUnavailable } from 'nestjs-token';
import { CapturedLog } from '../support/captured-log.js';

describe('The log of an outage', () => {
  let log: CapturedLog;
  beforeEach(() => Logger.overrideLogger((log = new CapturedLog())));
  afterEach(() => Logger.overrideLogger(false));

  const lineFor = (cause: unknown): string[] => {
    log.lines.length = 0;
    new OutageLog().report(new StoreUnavailable({ cause }));
    return logged(log);
  };

  it('names the error and the code of a driver that meets no server, and no address (F-28)', async () => {
    const error: unknown = await new pg.Client({ host: '127.0.0.1', port: 1 }).connect().catch((thrown: unknown) => thrown);
    expect((error as Error).message).toContain('127.0.0.1');
    expect(lineFor(error)).toEqual(['error store_unavailable: Error (ECONNREFUSED)']);
  });

  it.each(['a sentence with root@localhost', 'x'.repeat(41), '', 7, null, undefined])(
    'leaves out what is no short code: %p (F-28)',
    (code) => {
      expect(lineFor(Object.assign(new TypeError('for alice'), { code }))).toEqual(['error store_unavailable: TypeError']);
    },
  );

  it('has a line for what is no error', () => {
    for (const cause of ['alice', { name: 'root@localhost' }]) expect(lineFor(cause)).toEqual(['error store_unavailable: Error']);
  });

  it('takes a missing cause and a conflict for too many conflicts', () => {
    expect(lineFor(undefined)).toEqual(['error store_unavailable: too many conflicts']);
    expect(lineFor(new StoreConflict({ cause: new Error('alice') }))).toEqual(['error store_unavailable: StoreConflict']);
  });

  it('writes one line a second at the most', () => {
    const outages = new OutageLog();
    for (let count = 0; count < 3; count += 1) outages.report(new StoreUnavailable({ cause: new RangeError('no') }));
    expect(log.lines).toHaveLength(1);
  });
});

/** The lines, without what Nest appends. */
function logged({ lines }: CapturedLog): string[] {
  return lines.map((line) => line.replace(/ undefined TokenModule$/, ''));
}
