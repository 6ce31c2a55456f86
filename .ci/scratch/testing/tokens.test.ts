import assert from 'node:assert/strict';
import { afterEach, beforeEach, it } from 'node:test';
import type { INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { type FakeClock, signInAs, useTestTokens } from 'nestjs-token/testing';
import { AppModule } from '../src/app.module.js';

let app: INestApplication;
let clock: FakeClock;

beforeEach(async () => {
  const builder = Test.createTestingModule({ imports: [AppModule] });
  clock = useTestTokens(builder);
  app = (await builder.compile()).createNestApplication();
  await app.listen(0, '127.0.0.1');
});

afterEach(() => app.close());

it('keeps alice signed in when her access token has expired', async () => {
  const { headers } = await signInAs(app, 'alice');
  const url = `${await app.getUrl()}/me`;
  assert.equal((await fetch(url, { headers })).status, 200);

  clock.advance('16m'); // an access token lives for 15 minutes
  const response = await fetch(url, { headers });
  assert.deepEqual(await response.json(), { name: 'alice' });
  assert.ok(response.headers.get('X-Refresh-Token'));
  assert.notEqual(response.headers.get('X-Refresh-Token'), headers['X-Refresh-Token']);
});
