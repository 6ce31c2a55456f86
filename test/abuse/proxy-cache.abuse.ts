import { afterEach, expect, it } from '@jest/globals';
import type { TransportMode } from 'nestjs-token';
import type { Received } from '../faults/support/exchange.js';
import { exchange } from '../faults/support/exchange.js';
import type { FaultBed } from '../faults/support/fault-bed.js';
import { faultBeds } from '../faults/support/fault-bed.js';
import { partsOf } from '../support/refresh-token.js';
import { describeWith } from '../support/needs.js';
import type { ReceivedTokens } from '../support/token-store.js';
import { carrying, tokensOn } from '../support/token-store.js';
import type { Cache } from './support/nginx.js';
import { CACHES, Nginx } from './support/nginx.js';

/** What a handler may say of its response, each of which some cache obeys before `Cache-Control`. */
const HEADERS = [
  ['X-Accel-Expires', '60'],
  ['X-Accel-Expires', '@4000000000'],
  ['Cache-Control', 'public, max-age=60, s-maxage=60'],
  ['CDN-Cache-Control', 'max-age=60'],
  ['Surrogate-Control', 'max-age=60'],
  ['Expires', 'Fri, 01 Jan 2094 00:00:00 GMT'],
] as const;
/** No response is late on a loaded machine, and no access token expires. */
const OPTIONS = { access: { lifetime: '2m' }, refresh: { grace: '20s' } };
const WAYS = ['framework', 'setHeader', 'writeHead'] as const;
const TOKEN = /ntr_[\w-]{40,}|eyJ[\w-]+\.[\w-]+\.[\w-]+/;

const describeHere = await describeWith('postgres', 'nginx');

describeHere('nginx with a cache in front of a process', () => {
  const open = faultBeds();
  let nginx: Nginx;
  afterEach(() => nginx.close());

  const start = async (adapter: 'express' | 'fastify', transport: TransportMode = 'header'): Promise<FaultBed> => {
    const bed = await open({ engine: 'postgres', transport, nodes: [{ adapter, options: OPTIONS }] });
    nginx = await Nginx.start(bed.node.port);
    return bed;
  };
  const get = async (cache: Cache, path: string, headers: Record<string, string> = {}): Promise<Received> => {
    const received = await exchange({ port: nginx.ports[cache], path, headers });
    if (!received) throw new Error('nginx does not respond');
    return received;
  };

  it.each([
    ['express', 'header'],
    ['express', 'cookie'],
    ['fastify', 'header'],
    ['fastify', 'mixed'],
  ] as const)(
    'never stores a response with tokens, and hands none to a stranger, whatever the handler says of it, on %s, transport %s (F-16, CK-07)',
    async (adapter, transport) => {
      const bed = await start(adapter, transport);
      const present = async (cache: Cache, path: string, refresh: string): Promise<Received & ReceivedTokens> => {
        const received = await get(cache, path, carrying(transport, { refresh }));
        return { ...received, ...tokensOn(transport, received) };
      };
      const leaks: string[] = [];
      for (const cache of CACHES) {
        const bob = await bed.signIn('bob');
        for (const [index, [name, value]] of HEADERS.entries()) {
          for (const by of WAYS) {
            const path = `/cacheable?${new URLSearchParams({ by, name, value, nonce: String(index) }).toString()}`;
            const what = `${cache}: ${name}: ${value} by ${by}`;
            const alice = await bed.signIn('alice');
            // A rotation: both tokens.
            const first = await present(cache, path, alice.refreshToken);
            expect([what, first.status, TOKEN.test(first.refresh ?? '')]).toEqual([what, 200, true]);
            const stranger = await get(cache, path);
            if (stranger.status !== 401 || carriesToken(stranger)) leaks.push(`${what}: a stranger gets ${stranger.status}`);
            const other = await present(cache, path, bob.refreshToken);
            if (!isOwn(other, bob.refreshToken)) leaks.push(`${what}: another user gets what is not his`);
            // The current token: an access token alone.
            const kept = await present(cache, `${path}&kept`, first.refresh ?? '');
            expect([what, kept.status, TOKEN.test(kept.access ?? '')]).toEqual([what, 200, true]);
            const late = await get(cache, `${path}&kept`);
            if (late.status !== 401 || carriesToken(late)) leaks.push(`${what}, access token alone: a stranger gets ${late.status}`);
            if (TOKEN.test(nginx.storedFor(`${cache}${path}`))) leaks.push(`${what}: stored`);
          }
        }
      }
      expect([...new Set(leaks)]).toEqual([]);
    },
    60_000,
  );

  it.each(['express', 'fastify'] as const)(
    'stores responses without tokens as it is told, so that the test above means something, on %s',
    async (adapter) => {
      const bed = await start(adapter);
      const alice = await bed.signIn('alice');
      const path = `/cacheable?${new URLSearchParams({ by: 'setHeader', name: 'X-Accel-Expires', value: '60' }).toString()}`;
      for (const cache of ['careful', 'tutorial', 'reckless'] as const) {
        const headers = { authorization: `Bearer ${alice.access ?? ''}` };
        const answers = [await get(cache, path, headers), await get(cache, path, headers)];
        expect([cache, ...answers.map((answer) => answer.headers['x-cache'])]).toEqual([cache, 'MISS', 'HIT']);
      }
    },
    30_000,
  );
});

function carriesToken({ headers, text }: Received): boolean {
  return TOKEN.test(JSON.stringify(headers)) || TOKEN.test(text);
}

/** Whether a response is a refresh of the session that a token belongs to. */
function isOwn({ status, refresh }: Received & ReceivedTokens, refreshToken: string): boolean {
  return status === 200 && refresh !== undefined && partsOf(refresh).secret === partsOf(refreshToken).secret;
}
