import { setTimeout as delay } from 'node:timers/promises';
import type { Pair } from './demo/client.js';
import { Client } from './demo/client.js';
import { COOKIE_SETTINGS, cookieChapter } from './demo/cookie-chapter.js';
import { check, heading, say, short } from './demo/narrator.js';
import { SampleProcess } from './demo/sample-process.js';

// Short lifetimes, so that a person can watch. The defaults are 15 minutes, and a grace period of 30 seconds.
const GRACE_MS = 1_500;
const LIFETIMES = { ACCESS_LIFETIME: '6s', ACCESS_LEEWAY: '1s', REFRESH_GRACE: `${GRACE_MS}ms` };
const EXPIRED_AFTER_MS = 7_100;
const MARGIN_MS = 300;
const BURST = 50;

/** The devices on which Alice is signed in. She signs in on all of them at once, so that the tokens expire together. */
interface Cast {
  readonly laptop: Pair;
  readonly phone: Pair;
  readonly tablet: Pair;
  readonly stolen: Pair;
  readonly desktop: Pair;
}

async function signIn(client: Client): Promise<Cast> {
  heading('Sign in');
  const names = ['laptop', 'phone', 'tablet', 'browser', 'desktop'];
  const pairs = await Promise.all(names.map((name) => client.signIn('alice', name)));
  const [laptop, phone, tablet, stolen, desktop] = pairs as [Pair, Pair, Pair, Pair, Pair];
  say('Alice signs in on five devices. Each sign-in is one session: one row in the database, one chain of tokens.');
  pairs.forEach((pair, index) => say(`${(names[index] ?? '').padEnd(8)} access ${short(pair.access)}  refresh ${short(pair.refresh)}`));
  check(new Set(pairs.map(({ refresh }) => refresh)).size === names.length, 'five sessions, five refresh tokens');
  return { laptop, phone, tablet, stolen, desktop };
}

async function callGuardedRoute(client: Client, { access, refresh }: Pair): Promise<void> {
  heading('Call a guarded route');
  const response = await client.call('/me', { access, refresh });
  check(
    response.status === 200 && response.body['sub'] === 'alice',
    'GET /me returns 200 and knows Alice. It needs no query: the access token says it all',
  );
  check(response.pair === null, 'no new tokens came back: nothing had to be refreshed');
  check((await client.call('/me', {})).status === 401, 'GET /me without a token returns 401');
}

async function letExpire(client: Client, { access }: Pair): Promise<void> {
  heading('Let the access tokens expire');
  say(`They are valid for 6 s here, plus 1 s of leeway for clocks that differ. Waiting ${EXPIRED_AFTER_MS / 1_000} s …`);
  await delay(EXPIRED_AFTER_MS);
  const { status, body } = await client.call('/me', { access });
  check(
    status === 401 && body['errorCode'] === 'token_expired',
    `with the access token alone GET /me returns 401 ${String(body['errorCode'])}`,
  );
}

async function refreshInsideRequest(client: Client, laptop: Pair): Promise<Pair> {
  heading('Refresh inside a request');
  say('The same request, and this time the refresh token comes along.');
  const { status, pair } = await client.call('/me', laptop);
  check(status === 200 && pair !== null, 'GET /me returns 200 as if nothing had happened, with a new pair in its headers');
  say(`access ${short(laptop.access)} → ${short(pair?.access)}   refresh ${short(laptop.refresh)} → ${short(pair?.refresh)}`);
  check(pair?.refresh !== laptop.refresh, 'the refresh token has been rotated');
  return pair ?? laptop;
}

async function burst(client: Client, phone: Pair): Promise<void> {
  heading(`${BURST} parallel requests with one expired pair`);
  const startedAt = performance.now();
  const responses = await Promise.all(Array.from({ length: BURST }, () => client.call('/me', phone)));
  say(`took ${Math.round(performance.now() - startedAt)} ms`);
  const successors = new Set(responses.map(({ pair }) => pair?.refresh));
  check(
    responses.every(({ status }) => status === 200),
    `${BURST} × 200`,
  );
  check(
    successors.size === 1 && !successors.has(phone.refresh),
    `one rotation: all responses have the same new refresh token, ${short([...successors][0])}`,
  );
}

async function loseResponse(client: Client, tablet: Pair): Promise<void> {
  heading('A lost response');
  const lost = await client.call('/me', tablet);
  check(
    lost.status === 200 && lost.pair !== null,
    `the server has rotated to ${short(lost.pair?.refresh)}, and the response gets lost on its way`,
  );
  say(`The tablet still has ${short(tablet.refresh)}. It tries again after the grace period (${GRACE_MS} ms) …`);
  await delay(GRACE_MS + MARGIN_MS);
  const retry = await client.call('/me', tablet);
  check(retry.status === 200 && retry.pair !== null, 'the retry with the old pair returns 200, because nobody has used the lost tokens');
  say(`the tablet now has ${short(retry.pair?.refresh)}`);
}

async function findThief(client: Client, victim: Pair, desktop: Pair): Promise<void> {
  heading('A stolen refresh token');
  say(`A thief has copied ${short(victim.refresh)} out of Alice's browser, and is the first to use it.`);
  const thief = await client.call('/me', victim);
  check(thief.status === 200 && thief.pair !== null, `the thief gets in, and gets ${short(thief.pair?.refresh)}`);
  await delay(GRACE_MS + MARGIN_MS);
  const alice = await client.call('/me', victim);
  check(
    alice.status === 200 && alice.pair !== null,
    `Alice's browser looks like one whose response was lost, so it gets ${short(alice.pair?.refresh)}`,
  );
  await delay(2 * GRACE_MS + MARGIN_MS);
  const again = await client.call('/me', { refresh: thief.pair?.refresh ?? '' });
  check(
    again.status === 200 && again.pair !== null,
    `the thief refreshes again: ${short(again.pair?.refresh)}. Now two parties hold tokens of one session and take turns`,
  );
  await delay(GRACE_MS + MARGIN_MS);
  const found = await client.call('/me', { refresh: alice.pair?.refresh ?? '' });
  check(
    found.status === 401 && found.body['errorCode'] === 'refresh_reused',
    `Alice's next turn reveals it: 401 ${String(found.body['errorCode'])}`,
  );
  const thiefAfter = await client.call('/me', { ...again.pair });
  check(thiefAfter.status === 401, `the thief's access token is refused: 401 ${String(thiefAfter.body['errorCode'])}`);
  const thiefRefresh = await client.call('/me', { refresh: again.pair?.refresh ?? '' });
  check(thiefRefresh.status === 401, `so is the thief's refresh token: 401 ${String(thiefRefresh.body['errorCode'])}`);
  const victimAfter = await client.call('/me', { ...alice.pair });
  check(
    victimAfter.status === 401,
    `and so is the pair in Alice's browser, so Alice signs in again: 401 ${String(victimAfter.body['errorCode'])}`,
  );
  check((await client.call('/me', desktop)).status === 200, "Alice's other sessions are untouched: her desktop gets 200");
}

async function signOut(client: Client, laptop: Pair): Promise<void> {
  heading('Sign out');
  check((await client.call('/auth/logout', laptop, 'POST')).status === 204, 'POST /auth/logout returns 204');
  const { status, body } = await client.call('/me', laptop);
  check(status === 401, `the pair is refused from now on: 401 ${String(body['errorCode'])}`);
  check((await client.call('/auth/logout', laptop, 'POST')).status === 204, 'signing out once more returns 204 too');
}

async function demo(url: string): Promise<void> {
  const client = new Client(url);
  const { laptop, phone, tablet, stolen, desktop } = await signIn(client);
  await callGuardedRoute(client, laptop);
  await letExpire(client, laptop);
  const refreshed = await refreshInsideRequest(client, laptop);
  await burst(client, phone);
  await loseResponse(client, tablet);
  await findThief(client, stolen, desktop);
  await signOut(client, refreshed);
}

async function run(): Promise<void> {
  const startedAt = performance.now();
  await withSample(LIFETIMES, async (url) => {
    console.log(`The reference sample runs at ${url}. The demo calls it over HTTP and shows the last characters of tokens only.`);
    await demo(url);
  });
  await withSample(COOKIE_SETTINGS, cookieChapter);
  console.log(`\nEvery check passed, in ${Math.round((performance.now() - startedAt) / 1_000)} s.`);
}

async function withSample(settings: Readonly<Record<string, string>>, use: (url: string) => Promise<void>): Promise<void> {
  const sample = await SampleProcess.start(settings);
  const stop = (): void => void sample.stop().finally(() => process.exit(130));
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    await use(sample.url);
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
    await sample.stop();
  }
}

run().catch((error: unknown) => {
  console.error(`\ndemo: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
});
