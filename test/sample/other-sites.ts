import { describe, expect, it } from '@jest/globals';
import { Browser } from '../support/browser.js';
import { browserOf } from '../support/process/sample-clients.js';
import type { BlackBox } from './black-box.js';

const EVIL = 'https://evil.test';
const SUBDOMAIN = 'https://blog.example.com';

/** Describes what pages of other sites, and clients that are no browsers, can do where tokens travel in cookies. */
export function describeOtherSites({ mode, client }: BlackBox): void {
  describe('requests that the pages of the application have not sent', () => {
    it('come without cookies from another site, so that nobody is signed in', async () => {
      const alice = client();
      await alice.signIn('alice');
      const browser = browserOf(alice);
      const statuses = { '/notes': 401, '/auth/logout-all': 401, '/auth/refresh': 403, '/auth/logout': 403 };
      for (const [path, status] of Object.entries(statuses))
        expect([path, (await browser.fetch(path, { method: 'POST', from: EVIL })).status]).toEqual([path, status]);
      expect((await alice.call('/me')).status).toBe(200);
    });

    it('are refused with 403 csrf_failed from a subdomain, and change nothing', async () => {
      const alice = client();
      await alice.signIn('alice');
      const tokens = await alice.tokens();
      const paths = ['/auth/refresh', '/auth/logout', ...(mode === 'cookie' ? ['/notes', '/auth/logout-all', '/auth/password'] : [])];
      for (const path of paths) {
        const answer = await browserOf(alice).fetch(path, { method: 'POST', from: SUBDOMAIN });
        expect([path, answer.status, answer.json()['errorCode']]).toEqual([path, 403, 'csrf_failed']);
        expect(answer.headers['set-cookie']).toBeUndefined();
      }
      expect((await alice.call('/me')).status).toBe(200);
      expect(await alice.tokens()).toEqual(tokens);
    });

    it('need the token of the cookie __Host-csrf in X-CSRF-Token from a client that is no browser', async () => {
      const tool = new Browser(client().sample.port, { kind: 'tool' });
      await tool.fetch('/auth/login', { method: 'POST', body: { username: 'bob', password: 'correct horse battery staple' } });
      const refused = await tool.fetch('/auth/refresh', { method: 'POST' });
      expect([refused.status, refused.json()['errorCode']]).toEqual([403, 'csrf_failed']);
      const { '__Host-csrf': csrf } = await tool.cookies();
      const headers = { 'x-csrf-token': csrf?.value ?? '' };
      expect((await tool.fetch('/auth/refresh', { method: 'POST', headers })).status).toBe(200);
      expect((await tool.fetch('/auth/logout', { method: 'POST', headers })).status).toBe(204);
      expect(await tool.cookies()).toEqual({});
    });
  });
}
