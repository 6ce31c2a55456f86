import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { FakeClock, signInAs } from 'nestjs-token/testing';
import type { AdapterName, Answer, TestApp } from '../support/app.js';
import { ADAPTERS } from '../support/app.js';
import { Browser } from '../support/browser.js';
import { startCookieApp } from '../support/cookie-app.js';

const [PAGE, SUBDOMAIN, EVIL] = ['https://www.example.com', 'https://blog.example.com', 'https://evil.example'];
const EXPOSED = {
  header: ['Authorization', 'X-Refresh-Token', 'X-Access-Token-Expires-In'],
  mixed: ['Authorization', 'X-Access-Token-Expires-In'],
  cookie: ['X-Access-Token-Expires-In'],
};
const CASES = (['header', 'cookie', 'mixed'] as const).flatMap((mode) =>
  ADAPTERS.map((adapter): [typeof mode, AdapterName] => [mode, adapter]),
);

describe.each(CASES)('CK-11 CORS of the application in %s mode on %s', (mode, adapter) => {
  const clock = new FakeClock();
  let running: TestApp;
  beforeAll(async () => {
    const options = { transport: mode, csrf: { origins: PAGE } };
    running = await startCookieApp(options, {
      adapter,
      clock,
      prepare: (app) => app.enableCors({ origin: [PAGE], credentials: true, exposedHeaders: ['X-Total'] }),
    });
  });
  afterAll(() => running.close());

  const cors = ({ headers }: Answer): unknown[] => [headers['access-control-allow-origin'], headers['access-control-allow-credentials']];
  const exposed = ({ headers }: Answer): string[] => (headers['access-control-expose-headers'] ?? '').split(/, ?/);
  /** What scripts of a page send: the headers of the pair, but the cookies of the browser. */
  const refreshing = async (from: string): Promise<Answer> => {
    const { headers } = await signInAs(running.app, 'alice');
    clock.advance(3_600_000);
    const { Cookie, ...others } = headers;
    return new Browser(running.port, { clock }).fetch('/me', { from, headers: { ...others, ...(Cookie && { cookie: Cookie }) } });
  };

  it('exposes the token headers to the pages that it names, in addition to its own', async () => {
    const answer = await refreshing(PAGE);
    expect([answer.status, ...cors(answer)]).toEqual([200, PAGE, 'true']);
    expect(exposed(answer)).toEqual(['X-Total', ...EXPOSED[mode]]);
  });

  it.each([SUBDOMAIN, EVIL])('gives nothing to read to a page of %s', async (from) => {
    const answer = await refreshing(from);
    const allowed = cors(answer)[0];
    expect([undefined, PAGE]).toContain(allowed);
    expect(allowed).not.toBe('*');
    if (mode !== 'header') expect([answer.status, answer.headers['set-cookie']]).toEqual([401, undefined]);
  });

  it('answers a preflight request without a token and without a refresh', async () => {
    const { headers } = await signInAs(running.app, 'alice');
    clock.advance(3_600_000);
    const answer = await running.call('/me', {
      method: 'OPTIONS',
      headers: { ...headers, origin: PAGE, 'access-control-request-method': 'GET', 'access-control-request-headers': 'authorization' },
    });
    expect([answer.status, ...cors(answer)]).toEqual([204, PAGE, 'true']);
    expect([answer.headers['set-cookie'], answer.headers['x-refresh-token'], answer.headers['x-access-token-expires-in']]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });
});
