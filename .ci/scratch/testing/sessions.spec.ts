import type { INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { JwtAuthGuard } from 'nestjs-token';
import { expiredPair, signInAs, tokenHeaders, useTestTokens } from 'nestjs-token/testing';
import request from 'supertest';
import { AppModule } from '../src/app.module.js';

let app: INestApplication;

beforeEach(async () => {
  const builder = Test.createTestingModule({ imports: [AppModule] });
  useTestTokens(builder);
  app = (await builder.compile()).createNestApplication();
  await app.init();
});

afterEach(() => app.close());

it('shows the page of editors to editors only', async () => {
  const alice = await signInAs(app, 'alice', { claims: { roles: ['editor'] } });
  const bob = await signInAs(app, 'bob');
  await request(app.getHttpServer()).get('/editors').set(alice.headers).expect(200);
  await request(app.getHttpServer()).get('/editors').set(bob.headers).expect(403);
});

it('ends every session of alice', async () => {
  const laptop = await signInAs(app, 'alice');
  const phone = await signInAs(app, 'alice');
  await request(app.getHttpServer()).post('/logout/everywhere').set(laptop.headers).expect(204);

  const response = await request(app.getHttpServer()).get('/me').set(phone.headers).expect(401);
  expect(response.body).toMatchObject({ errorCode: 'token_revoked' });
});

it('ends every session only for a user who has signed in within the last five minutes', async () => {
  const { headers } = await signInAs(app, 'alice', { age: '10m' });
  const response = await request(app.getHttpServer()).post('/logout/everywhere').set(headers).expect(401);
  expect(response.body).toMatchObject({ errorCode: 'fresh_token_required' });
});

it('asks a user to sign in who has not been here for two weeks', async () => {
  const { headers } = await signInAs(app, 'alice', { age: '15d' });
  const response = await request(app.getHttpServer()).get('/me').set(headers).expect(401);
  expect(response.body).toMatchObject({ errorCode: 'refresh_expired' });
});

it('brings new tokens to a client whose access token has expired', async () => {
  const pair = await expiredPair(app, 'alice');
  const response = await request(app.getHttpServer()).get('/me').set(tokenHeaders(app, pair)).expect(200);
  expect(response.headers.authorization).toMatch(/^Bearer /);
});

it('can be tested without tokens', async () => {
  const builder = Test.createTestingModule({ imports: [AppModule] });
  builder.overrideGuard(JwtAuthGuard).useValue({ canActivate: () => true });
  useTestTokens(builder);
  const open = (await builder.compile()).createNestApplication();
  await open.init();
  await request(open.getHttpServer()).get('/me').expect(200);
  await open.close();
});
