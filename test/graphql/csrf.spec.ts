import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { FakeClock } from 'nestjs-token/testing';
import type { Answer } from '../support/app.js';
import { Browser } from '../support/browser.js';
import type { GraphqlApp } from '../support/graphql-app.js';
import { GRAPHQL_SERVERS, startGraphql } from '../support/graphql-app.js';

const OWN = 'https://app.example.com';
const SUBDOMAIN = 'https://blog.example.com';
const QUERY = `/graphql?query=${encodeURIComponent('{ me { sub } }')}`;
const ALICE = { data: { me: { sub: 'alice' } } };

describe.each(GRAPHQL_SERVERS)('%s with tokens in cookies', (server) => {
  const clock = new FakeClock();
  let app: GraphqlApp;
  let browser: Browser;

  beforeAll(async () => {
    app = await startGraphql(server, { clock, options: { transport: 'cookie' } });
    browser = new Browser(app.port, { clock });
    await browser.fetch('/graphql', { method: 'POST', body: { query: 'mutation { login(name: "alice") { token_type } }' } });
  });
  afterAll(() => app.close());

  const refreshCookie = async (): Promise<string | undefined> => (await browser.cookies())['__Host-refresh']?.value;
  const form = (from: string): Promise<Answer> =>
    browser.navigate('/graphql', {
      from,
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ query: '{ me { sub } }' }).toString(),
    });

  it('admits operations of the own pages over GET and POST', async () => {
    expect((await browser.fetch(QUERY)).json()).toMatchObject(ALICE);
    expect((await browser.fetch('/graphql', { method: 'POST', body: { query: '{ me { sub } }' } })).json()).toMatchObject(ALICE);
  });

  it('takes an operation of a subdomain over GET for unsafe, because it may hold a mutation (CK-08)', async () => {
    const answer = await browser.fetch(QUERY, { from: SUBDOMAIN });
    expect(answer.json()).toMatchObject({ data: null, errors: [{ extensions: { code: 'csrf_failed', status: 403 } }] });
  });

  it('takes a form of a subdomain for unsafe (CK-08)', async () => {
    expect((await form(SUBDOMAIN)).json()).toMatchObject({ data: null, errors: [{ extensions: { code: 'csrf_failed' } }] });
    expect((await form(OWN)).json()).toMatchObject(ALICE);
  });

  it('does not refresh for a link to an operation, because it may hold a mutation', async () => {
    clock.advance(3_600_000);
    const before = await refreshCookie();
    expect((await browser.navigate(QUERY, { from: SUBDOMAIN })).text).not.toContain('alice');
    expect(await refreshCookie()).toBe(before);
  });

  it('refreshes inside an operation of the own pages alone', async () => {
    clock.advance(3_600_000);
    const before = await refreshCookie();
    expect((await browser.fetch(QUERY, { from: SUBDOMAIN })).text).not.toContain('alice');
    expect(await refreshCookie()).toBe(before);
    expect((await browser.fetch(QUERY, { from: OWN })).json()).toMatchObject(ALICE);
    expect(await refreshCookie()).not.toBe(before);
  });
});
