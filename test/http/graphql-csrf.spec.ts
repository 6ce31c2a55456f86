import { ApolloDriver } from '@nestjs/apollo';
import type { ApolloDriverConfig } from '@nestjs/apollo';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { UseGuards } from '@nestjs/common';
import { Field, GraphQLModule, ObjectType, Query, Resolver } from '@nestjs/graphql';
import { CurrentUser, JwtAuthGuard } from 'nestjs-token';
import { FakeClock } from 'nestjs-token/testing';
import type { Answer, TestApp } from '../support/app.js';
import { Browser } from '../support/browser.js';
import { startCookieApp } from '../support/cookie-app.js';

@ObjectType()
class Caller {
  @Field(() => String)
  sub!: string;
}

@Resolver(() => Caller)
class Callers {
  @Query(() => Caller)
  @UseGuards(JwtAuthGuard)
  me(@CurrentUser('sub') sub: string): Caller {
    return { sub };
  }
}

const OWN = 'https://app.example.com';
const SUBDOMAIN = 'https://blog.example.com';
const QUERY = `/graphql?query=${encodeURIComponent('{ me { sub } }')}`;
const ALICE = { data: { me: { sub: 'alice' } } };

describe('GraphQL with tokens in cookies', () => {
  const clock = new FakeClock();
  let app: TestApp;
  let browser: Browser;

  beforeAll(async () => {
    const graphql = GraphQLModule.forRoot<ApolloDriverConfig>({
      driver: ApolloDriver,
      autoSchemaFile: true,
      // Apollo's own protection asks for a header. Ours must hold without it.
      csrfPrevention: false,
    });
    app = await startCookieApp({}, { clock, providers: [Callers], imports: [graphql] });
    browser = new Browser(app.port, { clock });
    await browser.fetch('/auth/login', { method: 'POST' });
  });
  afterAll(() => app.close());

  const form = (from: string): Promise<Answer> =>
    browser.navigate('/graphql', {
      from,
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ query: '{ me { sub } }' }).toString(),
    });

  it('admits operations of the own pages over GET and POST', async () => {
    expect((await browser.fetch(QUERY)).json()).toMatchObject(ALICE);
    expect((await browser.fetch('/graphql', { method: 'POST', body: { query: '{ me { sub } }' } })).json()).toMatchObject(ALICE);
  });

  it.each(['/graphql over GET', 'a form'])('takes %s of a subdomain for unsafe, because it may hold a mutation', async (kind) => {
    const answer = await (kind === 'a form' ? form(SUBDOMAIN) : browser.fetch(QUERY, { from: SUBDOMAIN }));
    expect(answer.text).not.toContain('alice');
    // Apollo reads no forms, which is as good.
    if (kind !== 'a form')
      expect(answer.json()).toMatchObject({ errors: [{ extensions: { originalError: { errorCode: 'csrf_failed' } } }] });
  });

  it('does not refresh for a link to an operation, because it may hold a mutation', async () => {
    clock.advance(3_600_000);
    const before = (await browser.cookies())['__Host-refresh']?.value;
    expect((await browser.navigate(QUERY, { from: SUBDOMAIN })).text).not.toContain('alice');
    expect((await browser.cookies())['__Host-refresh']?.value).toBe(before);
  });

  it('refreshes inside an operation of the own pages alone', async () => {
    clock.advance(3_600_000);
    const before = (await browser.cookies())['__Host-refresh']?.value;
    expect((await browser.fetch(QUERY, { from: SUBDOMAIN })).text).not.toContain('alice');
    expect((await browser.cookies())['__Host-refresh']?.value).toBe(before);
    expect((await browser.fetch(QUERY, { from: OWN })).json()).toMatchObject(ALICE);
    expect((await browser.cookies())['__Host-refresh']?.value).not.toBe(before);
  });
});
