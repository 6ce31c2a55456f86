import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { RefreshService } from 'nestjs-token';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Answer, TestApp } from '../support/app.js';
import { ADAPTERS, startApp } from '../support/app.js';
import { carrying, TRANSPORTS } from '../support/token-store.js';

const CASES = ADAPTERS.flatMap((adapter) => TRANSPORTS.map((transport) => ({ adapter, transport })));

describe.each(CASES)('a revocation on $adapter, tokens in the $transport', ({ adapter, transport }) => {
  let folder: string;
  let nodes: TestApp[];
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'token-'));
    const database = join(folder, 'app.db');
    nodes = [await startApp(setup(database)), await startApp(setup(database))];
  });
  afterEach(async () => {
    await Promise.all(nodes.map((node) => node.close()));
    rmSync(folder, { recursive: true });
  });

  const setup = (database: string) => ({ adapter, database, options: { transport } });
  const statusOn = async (node: number, headers: Record<string, string>): Promise<Answer> =>
    (nodes[node] as TestApp).call('/me', { headers });

  it('is seen at the next request on the deciding node, and by polling within a second on another', async () => {
    const pair = await (nodes[0] as TestApp).app.get(RefreshService).signIn('alice');
    const headers = carrying(transport, { access: pair.accessToken });
    expect([(await statusOn(0, headers)).status, (await statusOn(1, headers)).status]).toEqual([200, 200]);
    await (nodes[0] as TestApp).app.get(RefreshService).signOut(pair.refreshToken);
    expect((await statusOn(0, headers)).json().errorCode).toBe('token_revoked');
    await delay(1_000);
    expect((await statusOn(1, headers)).json().errorCode).toBe('token_revoked');
  });

  it('is known to a node that starts afterwards', async () => {
    const pair = await (nodes[0] as TestApp).app.get(RefreshService).signIn('alice');
    await (nodes[0] as TestApp).app.get(RefreshService).revokeAll('alice');
    nodes.push(await startApp(setup(join(folder, 'app.db'))));
    const headers = carrying(transport, { access: pair.accessToken });
    expect((await statusOn(2, headers)).json().errorCode).toBe('token_revoked');
  });
});
