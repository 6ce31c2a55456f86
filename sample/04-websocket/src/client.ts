import { createInterface } from 'node:readline';
import { io } from 'socket.io-client';

interface Pair {
  access_token: string;
  refresh_token: string;
  expires_in: number;
}

const [name = 'alice', address = 'http://127.0.0.1:3000'] = process.argv.slice(2);

async function post(path: string, body?: object, refreshToken = ''): Promise<Pair> {
  const response = await fetch(`${address}/auth/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-refresh-token': refreshToken },
    ...(body && { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return (response.status === 204 ? {} : await response.json()) as Pair;
}

let pair = await post('login', { username: name, password: 'correct horse battery staple' });

// The function is called for each connection, so that a new one has the newest token.
const socket = io(address, { auth: (give) => give({ token: pair.access_token }) });
socket.on('joined', (who) => console.log(`${who} has joined`));
socket.on('said', ({ from, text }) => console.log(`${from}: ${text}`));
socket.on('exception', ({ errorCode }) => console.log(`refused: ${errorCode}`));
socket.on('connect_error', (error: Error & { data?: { errorCode?: string } }) => console.log(`refused: ${error.data?.errorCode}`));
socket.on('disconnect', (reason) => {
  console.log(`closed: ${reason}`);
  process.exit();
});

/** Gets a new pair before the access token expires, and sends the new access token on the open socket. */
async function renew(): Promise<void> {
  pair = await post('refresh', undefined, pair.refresh_token);
  socket.emit('authenticate', { token: pair.access_token });
  renewLater();
}

let timer: NodeJS.Timeout | undefined;

/** There is one timer, however often the user asks for a new pair. */
function renewLater(): void {
  clearTimeout(timer);
  timer = setTimeout(() => void tryToRenew(), pair.expires_in * 750);
}

async function tryToRenew(): Promise<void> {
  await renew().catch((error: unknown) => console.log(`not renewed: ${String(error)}`));
}

renewLater();

for await (const line of createInterface({ input: process.stdin })) {
  if (line === '/renew') await tryToRenew();
  else if (line === '/logout') await post('logout', undefined, pair.refresh_token);
  else socket.emit('say', line);
}
