import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { KeysUnavailable, type VerificationKey } from 'nestjs-token';
import type { KeyObject } from 'node:crypto';
import { generateKeyPairSync } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { FakeClock } from 'nestjs-token/testing';
import { CapturedLog } from '../support/captured-log.js';
import { KeyServer } from '../support/key-server.js';
import { RemoteKeySource } from '../support/lib.js';

const [first, second, third] = [1, 2, 3].map(() => generateKeyPairSync('ed25519').publicKey) as [KeyObject, KeyObject, KeyObject];
const jwk = (kid: string, key = first) => ({ ...key.export({ format: 'jwk' }), kid, alg: 'EdDSA', use: 'sig' });
const MAX_AGE = 600_000;
const COOLDOWN = 30_000;

let server: KeyServer;
let clock: FakeClock;
let log: CapturedLog;
beforeEach(async () => {
  Logger.overrideLogger((log = new CapturedLog()));
  clock = new FakeClock();
  server = await new KeyServer().start();
  server.document = { keys: [jwk('a')] };
});
afterEach(async () => {
  Logger.overrideLogger(true);
  await server.stop();
});

const source = (change: object = {}) =>
  new RemoteKeySource({ uri: server.uri, timeoutMs: 5_000, maxBytes: 262_144, maxAgeMs: MAX_AGE, cooldownMs: COOLDOWN, ...change }, clock);
/** What happens to a token with this `kid`: its key and whether it is trusted, no key, or the key server is unavailable. */
async function verdict(keys: RemoteKeySource, kid: string): Promise<string> {
  try {
    const key = await keys.find(kid);
    return key ? (keys.trusts(key) ? 'accepted' : 'distrusted') : 'unknown';
  } catch (error) {
    if (error instanceof KeysUnavailable) return 'unavailable';
    throw error;
  }
}

describe('RemoteKeySource', () => {
  it('fetches once for a thousand requests that come before the keys are there', async () => {
    const keys = source();
    const verdicts = await Promise.all(Array.from({ length: 1_000 }, () => verdict(keys, 'a')));
    expect([new Set(verdicts), server.requests]).toEqual([new Set(['accepted']), 1]);
  });

  it('finds a key that it has without a promise and without a request', async () => {
    const keys = source();
    await keys.start();
    expect(keys.find('a')).toMatchObject({ kid: 'a', algorithm: 'EdDSA' });
    expect(server.requests).toBe(1);
  });

  it('fetches again when maxAge has passed, once for all requests, and not before', async () => {
    const keys = source();
    await keys.start();
    clock.advance(MAX_AGE - 1);
    await verdict(keys, 'a');
    expect(server.requests).toBe(1);
    clock.advance(1);
    await Promise.all(Array.from({ length: 100 }, () => verdict(keys, 'a')));
    expect(server.requests).toBe(2);
  });

  it('KY-05 refuses a key that is no longer published after maxAge, also for tokens that are known already', async () => {
    const keys = source();
    const key = (await keys.find('a')) as VerificationKey;
    server.document = { keys: [jwk('b', second)] };
    clock.advance(MAX_AGE - 1);
    expect(keys.trusts(key)).toBe(true);
    clock.advance(1);
    expect(keys.trusts(key)).toBe(false);
    expect(await verdict(keys, 'a')).toBe('unknown');
    expect(keys.trusts(key)).toBe(false);
  });

  it('keeps a key that stays the same object, so that known tokens stay known', async () => {
    const keys = source();
    const key = (await keys.find('a')) as VerificationKey;
    server.document = { keys: [jwk('a'), jwk('b', second)] };
    clock.advance(MAX_AGE);
    expect(await keys.find('a')).toBe(key);
    server.document = { keys: [jwk('a', third)] };
    clock.advance(MAX_AGE);
    expect(await keys.find('a')).not.toBe(key);
    expect(keys.trusts(key)).toBe(false);
  });

  it('accepts a new key within one request after it was published, and all requests of that moment', async () => {
    const keys = source();
    await keys.start();
    server.document = { keys: [jwk('a'), jwk('b', second)] };
    const verdicts = await Promise.all(Array.from({ length: 100 }, () => verdict(keys, 'b')));
    expect([new Set(verdicts), server.requests]).toEqual([new Set(['accepted']), 2]);
  });

  it('fetches at most once per cool-down under 1,000 requests with unknown kids, and refuses them', async () => {
    const keys = source();
    await keys.start();
    const verdicts = new Set<string>();
    for (let request = 0; request < 1_000; request++) verdicts.add(await verdict(keys, `invented-${request}`));
    expect([verdicts, server.requests]).toEqual([new Set(['unknown']), 2]);
    clock.advance(COOLDOWN - 1);
    expect([await verdict(keys, 'invented'), server.requests]).toEqual(['unknown', 2]);
    clock.advance(1);
    expect([await verdict(keys, 'invented'), server.requests]).toEqual(['unknown', 3]);
    expect(await verdict(keys, 'a')).toBe('accepted');
  });

  it('takes a clock that was set back for no reason to stop fetching', async () => {
    const keys = source();
    await keys.start();
    await verdict(keys, 'invented');
    clock.advance(-3_600_000);
    server.document = { keys: [jwk('a'), jwk('b', second)] };
    expect(await verdict(keys, 'b')).toBe('accepted');
  });

  describe('while the key server is unavailable', () => {
    it('uses the last keys, without a delay for anyone after the first one, and tries again once per cool-down', async () => {
      const keys = source();
      await keys.start();
      server.respond = (_, response) => void response.writeHead(500).end();
      clock.advance(MAX_AGE);
      expect([await verdict(keys, 'a'), server.requests]).toEqual(['accepted', 2]);
      for (let request = 0; request < 100; request++) expect(await verdict(keys, 'a')).toBe('accepted');
      expect(server.requests).toBe(2);
      clock.advance(COOLDOWN);
      expect(keys.find('a')).toMatchObject({ kid: 'a' });
      expect(keys.trusts(keys.find('a') as VerificationKey)).toBe(true);
      await verdict(keys, 'a');
      expect(server.requests).toBeLessThanOrEqual(3);
    });

    it('does not know whether an unknown kid is good: 503 and not 401', async () => {
      const keys = source();
      await keys.start();
      await server.stop();
      expect([await verdict(keys, 'b'), await verdict(keys, 'c'), await verdict(keys, 'a')]).toEqual([
        'unavailable',
        'unavailable',
        'accepted',
      ]);
    });

    it('accepts the new keys once it is back, and knows unknown kids again', async () => {
      const keys = source();
      await keys.start();
      await server.stop();
      expect(await verdict(keys, 'b')).toBe('unavailable');
      server.document = { keys: [jwk('b', second)] };
      await server.start();
      clock.advance(COOLDOWN);
      // The keys of before are used while the attempt is under way.
      await verdict(keys, 'b');
      expect([await verdict(keys, 'b'), await verdict(keys, 'a'), await verdict(keys, 'c')]).toEqual(['accepted', 'unknown', 'unknown']);
    });

    it('starts without keys, is unavailable, and tries at most once a second', async () => {
      server.respond = (_, response) => void response.writeHead(503).end();
      const keys = source();
      await keys.start();
      expect(await Promise.all([verdict(keys, 'a'), verdict(keys, 'b')])).toEqual(['unavailable', 'unavailable']);
      const before = server.requests;
      for (let request = 0; request < 50; request++) expect(await verdict(keys, 'a')).toBe('unavailable');
      expect(server.requests).toBe(before);
      server.respond = null;
      clock.advance(1_000);
      expect(await verdict(keys, 'a')).toBe('accepted');
    });

    it('says so once in the log, and again when it is back, without the path of the address', async () => {
      const keys = source({ uri: `${server.uri}?token=not-for-the-log` });
      server.respond = (_, response) => void response.writeHead(500).end();
      for (let attempt = 0; attempt < 3; attempt++) {
        clock.advance(COOLDOWN);
        await verdict(keys, 'a');
      }
      server.respond = null;
      clock.advance(COOLDOWN);
      await verdict(keys, 'a');
      const lines = log.lines.filter((line) => line.includes('jwks.uri'));
      expect(lines).toHaveLength(2);
      expect(lines.join()).toMatch(/cannot be used: responded 500.*available again/s);
      expect(lines.join()).not.toContain('not-for-the-log');
    });
  });

  describe('refuses what is not a key set within its limits, and keeps the last keys', () => {
    const endless = '{"keys":[],"x":"';

    it.each<[string, (server: KeyServer) => void, object, RegExp]>([
      ['an error', (s) => (s.respond = (_, r) => void r.writeHead(404).end(JSON.stringify(s.document))), {}, /responded 404/],
      ['an empty response', (s) => (s.respond = (_, r) => void r.writeHead(204).end()), {}, /responded 204/],
      ['HTML', (s) => (s.respond = (_, r) => void r.end('<html>')), {}, /is not JSON/],
      ['JSON that is no key set', (s) => (s.document = { jwks: [] }), {}, /is not a key set/],
      ['an empty key set', (s) => (s.document = { keys: [] }), {}, /no key that can be used/],
      ['a set of secrets', (s) => (s.document = { keys: [{ kty: 'oct', k: 'AAAA', kid: 'a' }] }), {}, /not public/],
      [
        'too many bytes',
        (s) => (s.respond = (_, r) => void r.end(endless.padEnd(4_096, 'x'))),
        { maxBytes: 1_024 },
        /larger than 1024 bytes/,
      ],
      [
        'too many bytes after decompression',
        (s) => (s.respond = (_, r) => void r.setHeader('content-encoding', 'gzip').end(gzipSync(endless.padEnd(10_000_000, 'x')))),
        {},
        /larger than 262144 bytes/,
      ],
      [
        'a response without an end',
        (s) => {
          s.respond = (_, r) => {
            r.write(endless);
            const timer = setInterval(() => r.write('x'), 10);
            r.on('close', () => clearInterval(timer));
          };
        },
        { timeoutMs: 300 },
        /Timeout/,
      ],
      ['no response', (s) => (s.respond = () => undefined), { timeoutMs: 200 }, /Timeout/],
      ['a connection that breaks', (s) => (s.respond = (_, r) => void r.destroy()), {}, /TypeError/],
      ['a redirect to another origin', (s) => (s.respond = redirect('http://localhost:1/jwks.json')), {}, /another origin/],
      ['a redirect to a file', (s) => (s.respond = redirect('file:///etc/passwd')), {}, /another origin/],
      ['a redirect to nowhere', (s) => (s.respond = redirect('http://')), {}, /another origin/],
      ['endless redirects', (s) => (s.respond = redirect('/again')), {}, /redirects more than 3 times/],
    ])('%s', async (_, misbehave, change, message) => {
      const keys = source(change);
      await keys.start();
      misbehave(server);
      clock.advance(MAX_AGE);
      expect(await verdict(keys, 'a')).toBe('accepted');
      expect(log.lines.join('\n')).toMatch(message);
    });

    function redirect(location: string): NonNullable<KeyServer['respond']> {
      return (_, response) => void response.writeHead(302, { location }).end();
    }

    it('but follows a redirect within the origin', async () => {
      server.respond = (request, response) => {
        if (request.url === '/keys') response.end(JSON.stringify(server.document));
        else response.writeHead(307, { location: '/keys' }).end();
      };
      expect(await verdict(source(), 'a')).toBe('accepted');
    });
  });

  it('KY-02 leaves out keys that cannot be used, says so once, and uses the others', async () => {
    const weak = generateKeyPairSync('rsa', { modulusLength: 1_024 }).publicKey.export({ format: 'jwk' });
    server.document = { keys: [{ ...weak, kid: 'weak', alg: 'RS256' }, jwk('a')] };
    const keys = source();
    for (let round = 0; round < 3; round++) {
      expect([await verdict(keys, 'a'), await verdict(keys, 'weak')]).toEqual(['accepted', 'unknown']);
      clock.advance(MAX_AGE);
    }
    expect(log.lines.filter((line) => line.includes('at least 2048 bits'))).toHaveLength(1);
  });

  it('KY-05 refuses a key that was retired here, however often it is published', async () => {
    const keys = source();
    const key = (await keys.find('a')) as VerificationKey;
    keys.retire('a');
    expect(keys.trusts(key)).toBe(false);
    clock.advance(MAX_AGE);
    server.document = { keys: [jwk('a'), jwk('b', second)] };
    expect([await verdict(keys, 'a'), await verdict(keys, 'b')]).toEqual(['unknown', 'accepted']);
    expect(keys.all.map(({ kid }) => kid)).toEqual(['b']);
  });
});
