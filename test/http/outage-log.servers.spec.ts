import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { createConnection } from 'mysql2/promise';
import { StoreUnavailable } from 'nestjs-token';
import { CapturedLog } from '../support/captured-log.js';
import { describeWith } from '../support/needs.js';
import { OutageLog } from '../support/lib.js';

(await describeWith('mariadb'))('The log of a refused sign-in to MariaDB', () => {
  const log = new CapturedLog();
  beforeEach(() => Logger.overrideLogger(log));
  afterEach(() => Logger.overrideLogger(false));

  it('does not hold the name of the user (F-28)', async () => {
    const options = { host: '127.0.0.1', port: 3306, user: 'the_user', password: 'the-password' };
    const cause: unknown = await createConnection(options).catch((thrown: unknown) => thrown);
    expect((cause as Error).message).toContain('the_user');
    new OutageLog().report(new StoreUnavailable({ cause }));
    expect(logged(log)).toEqual(['error store_unavailable: Error (ER_ACCESS_DENIED_ERROR)']);
  });
});

/** The lines, without what Nest appends. */
function logged({ lines }: CapturedLog): string[] {
  return lines.map((line) => line.replace(/ undefined TokenModule$/, ''));
}
