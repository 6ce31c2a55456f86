import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { TokenRequest } from 'nestjs-token';
import { shadowScopesOf } from '../support/lib.js';

const OWN = { domain: undefined, path: '/', partitioned: false };

/** Domain and path of each scope, as one text. */
function scopesOf(request: Partial<TokenRequest>, own: Parameters<typeof shadowScopesOf>[1] = OWN): string[] {
  const scopes = shadowScopesOf({ headers: {}, ...request }, own);
  return scopes.map(({ domain = '', path, partitioned }) => `${domain}${path}${partitioned ? ' partitioned' : ''}`);
}

describe('shadowScopesOf', () => {
  it('finds every domain and path that a browser sends a cookie for, but not our own', () => {
    expect(scopesOf({ host: 'app.example.com', url: '/api/me?x=/y' })).toEqual([
      ...['/api', '/api/', '/api/me', '/api/me/'],
      ...['/', '/api', '/api/', '/api/me', '/api/me/'].map((path) => `app.example.com${path}`),
      ...['/', '/api', '/api/', '/api/me', '/api/me/'].map((path) => `example.com${path}`),
    ]);
  });

  it.each(['-a.example.com', 'a-.example.com', 'a..example.com', `${'a'.repeat(64)}.example.com`, 'ex_ample.com', '.com', 'a.1'])(
    'takes %p for no domain, because no browser has cookies of it and no Set-Cookie may name it',
    (host) => {
      expect(scopesOf({ host, url: '/<b>/c' })).toEqual([]);
    },
  );

  it('leaves out the domain and path of our cookies, and nothing else', () => {
    const own = { domain: 'example.com', path: '/api', partitioned: false };
    const scopes = scopesOf({ host: 'app.example.com', url: '/api' }, own);
    expect(scopes).toEqual([
      '/',
      '/api',
      '/api/',
      'app.example.com/',
      'app.example.com/api',
      'app.example.com/api/',
      'example.com/',
      'example.com/api/',
    ]);
  });

  it('finds cookies that are not partitioned next to ours that are', () => {
    expect(scopesOf({ host: 'localhost', url: '/' }, { ...OWN, partitioned: true })).toEqual(['/']);
    expect(scopesOf({ host: 'localhost', url: '/a' }, { ...OWN, partitioned: true })).toEqual([
      '/',
      '/a partitioned',
      '/a',
      '/a/ partitioned',
      '/a/',
    ]);
  });

  it('takes the address that the client has sent, also in a part of the application that is mounted on a path', () => {
    expect(scopesOf({ host: 'localhost', url: '/', originalUrl: '/graphql' })).toEqual(['/graphql', '/graphql/']);
  });

  it.each([
    'localhost',
    '127.0.0.1',
    '127.0.0.1:3000',
    '[::1]:3000',
    '',
    'example.com.',
    'evil"; Domain=x',
    'a b.example',
    'ex\r\nX: y.com',
  ])('finds no domain in %j', (host) => {
    expect(scopesOf({ host, url: '/' })).toEqual([]);
  });

  it('takes the host of the header where the platform knows none, without its port and in lower case', () => {
    expect(scopesOf({ headers: { host: 'APP.Example.com:8443' }, url: '/' })).toEqual(['app.example.com/', 'example.com/']);
  });

  it.each(['/a;Domain=evil.example', '/\u00e9', '/a b', '/a\r\nSet-Cookie: x=1'])(
    'leaves out what cannot be the path of a cookie: %j',
    (url) => {
      expect(scopesOf({ host: 'localhost', url })).toEqual([]);
    },
  );

  it('finds few, which fit a Set-Cookie line, whatever a client asks for', () => {
    fc.assert(
      fc.property(fc.webPath(), fc.string({ unit: 'binary' }), (url, host) => {
        const scopes = shadowScopesOf({ headers: { host }, url: `${url}/;x=\r\n/a/b/c/d/e/f/g` }, OWN);
        expect(scopes.length).toBeLessThan(60);
        expect(scopes.every(({ path, domain = '' }) => /^\/[^;\s]*$/.test(path) && /^[a-z0-9.-]*$/.test(domain))).toBe(true);
      }),
    );
  });

  it('is bounded for hosts with many labels and for long addresses', () => {
    const request = { host: `${'a.'.repeat(100)}example.com`, url: '/s'.repeat(1_000) };
    expect(shadowScopesOf({ headers: {}, ...request }, OWN).length).toBeLessThan(40);
  });
});
