import type { INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { type FakeClock, signInAs, useTestTokens } from 'nestjs-token/testing';
import request from 'supertest';
import { AppModule } from '../src/app.module.js';

let app: INestApplication;
let clock: FakeClock;

beforeEach(async () => {
  const builder = Test.createTestingModule({ imports: [AppModule] });
  clock = useTestTokens(builder);
  app = (await builder.compile()).createNestApplication();
  await app.init();
});

afterEach(() => app.close());

it('keeps alice signed in when her access token has expired', async () => {
  const { headers } = await signInAs(app, 'alice');
  await request(app.getHttpServer()).get('/me').set(headers).expect(200, { name: 'alice' });

  clock.advance('16m'); // an access token lives for 15 minutes
  const response = await request(app.getHttpServer()).get('/me').set(headers).expect(200, { name: 'alice' });
  expect(response.headers['x-refresh-token']).toEqual(expect.any(String));
  expect(response.headers['x-refresh-token']).not.toBe(headers['X-Refresh-Token']);
});
