import { setTimeout as delay } from 'node:timers/promises';
import { DemoBrowser } from './browser.js';
import { check, heading, say, short } from './narrator.js';

/** The settings of the sample for this chapter. */
export const COOKIE_SETTINGS = { TOKEN_TRANSPORT: 'cookie', ACCESS_LIFETIME: '4s', ACCESS_LEEWAY: '0', REFRESH_GRACE: '500ms' };
const EXPIRED_AFTER_MS = 4_100;
const BURST = 20;
const POST = { method: 'POST' };

/** Shows the same server with its tokens in cookies, in the browser of somebody who signs in. */
export async function cookieChapter(url: string): Promise<void> {
  const browser = new DemoBrowser(url);
  await signIn(browser);
  await useCookies(browser);
  await attack(browser);
  await refreshInsideRequest(browser);
  await signOut(browser);
}

async function signIn(browser: DemoBrowser): Promise<void> {
  heading('Tokens in cookies: sign in');
  say('A second process of the sample runs with TOKEN_TRANSPORT=cookie. The demo plays a browser that reaches it over https.');
  const { status, body, text, readable, setCookies } = await browser.signIn('alice');
  check(status === 200, 'POST /auth/login returns 200 and sets three cookies:');
  setCookies.forEach((line) => say(line.replace(/=([^;]+)/, (_, value: string) => `=${short(value)}`)));
  check(
    setCookies.every((line) => /^__Host-csrf=/.test(line) || /; HttpOnly/.test(line)),
    'both tokens are HttpOnly: no script can read them, not even one that an attacker has smuggled into the page',
  );
  const tokens = [browser.valueOf('__Host-access') ?? '', browser.valueOf('__Host-refresh') ?? ''];
  check(
    tokens.every((token) => token !== '' && !text.includes(token) && !readable.includes(token)),
    `no token is in the body or in another header. The body has ${Object.keys(body).join(', ')}`,
  );
}

async function useCookies(browser: DemoBrowser): Promise<void> {
  heading('Tokens in cookies: call guarded routes');
  check(
    (await browser.call('/me')).body['sub'] === 'alice',
    'GET /me knows Alice. The page did nothing for it: the browser sent the cookies',
  );
  check(
    (await browser.call('/notes', POST)).status === 201,
    'POST /notes returns 201: the browser says that the request comes from our own page',
  );
}

async function attack(browser: DemoBrowser): Promise<void> {
  heading('Tokens in cookies: a page of another site sends a request (CSRF)');
  const before = browser.valueOf('__Host-refresh');
  const foreign = await browser.call('/notes', POST, 'cross-site');
  check(
    foreign.status === 401,
    `from another site the browser sends no cookie at all: ${foreign.status} ${String(foreign.body['errorCode'])}`,
  );
  say('A subdomain is the same site to a browser, so its pages get the cookies. Suppose that somebody has taken one over:');
  const forged = await browser.call('/notes', POST, 'same-site');
  check(forged.status === 403, `POST /notes from there is refused: ${forged.status} ${String(forged.body['errorCode'])}`);
  const signOut = await browser.call('/auth/logout', POST, 'same-site');
  check(signOut.status === 403, 'it cannot sign Alice out either');
  check((await browser.call('/me')).status === 200 && browser.valueOf('__Host-refresh') === before, 'nothing has changed for Alice');
}

async function refreshInsideRequest(browser: DemoBrowser): Promise<void> {
  heading('Tokens in cookies: refresh inside a request');
  say(`The access token is valid for 4 s here. Waiting ${EXPIRED_AFTER_MS / 1_000} s …`);
  await delay(EXPIRED_AFTER_MS);
  check(browser.valueOf('__Host-access') === undefined, 'its cookie has expired with it, so the browser has deleted it');
  const before = browser.valueOf('__Host-refresh');
  const responses = await Promise.all(Array.from({ length: BURST }, () => browser.call('/me')));
  check(
    responses.every(({ status }) => status === 200),
    `${BURST} parallel requests of the page return ${BURST} × 200, and the page did not notice anything`,
  );
  const successors = new Set(responses.map(({ setCookies }) => /__Host-refresh=([^;]+)/.exec(setCookies.join('\n'))?.[1]));
  check(
    successors.size === 1 && !successors.has(before),
    `one rotation: the cookie changed from ${short(before)} to ${short(browser.valueOf('__Host-refresh'))}`,
  );
}

async function signOut(browser: DemoBrowser): Promise<void> {
  heading('Tokens in cookies: sign out');
  const { status, setCookies } = await browser.call('/auth/logout', POST);
  check(status === 204, 'POST /auth/logout returns 204, and tells the browser to delete its cookies:');
  setCookies.forEach((line) => say(line));
  check(browser.names.length === 0, 'the browser has no cookie left');
  check((await browser.call('/me')).status === 401, 'GET /me returns 401');
}
