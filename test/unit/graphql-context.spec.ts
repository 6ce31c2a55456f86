import { describe, expect, it } from '@jest/globals';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { GraphqlContext } from '../support/lib.js';

/** The context of a resolver that gets these arguments. */
function contextOf(...args: unknown[]): GraphqlContext {
  const host = new ExecutionContextHost(args);
  host.setType('graphql');
  return new GraphqlContext(host);
}

const headers = { authorization: 'Bearer token' };

describe('the context of a GraphQL operation', () => {
  it.each([
    ['nothing', undefined],
    ['null', null],
    ['a text', 'context'],
    ['an empty object', {}],
    ['a request without headers', { req: {} }],
    ['a request that is a text', { req: 'GET /' }],
    ['a reply without a request', { reply: {} }],
    ['names of the prototype', JSON.parse('{ "__proto__": { "req": { "headers": {} } }, "constructor": 1 }')],
  ])('has no tokens and no response if the application makes %s of it', (_, graphql) => {
    const context = contextOf({}, {}, graphql, {});
    expect(context.request).toEqual({ headers: {} });
    expect(context.response).toBeUndefined();
    expect(context.operation).toBeDefined();
  });

  it('has no response where an operation over a WebSocket holds something that looks like a reply', () => {
    const context = contextOf({}, {}, { reply: { request: { headers } } }, {});
    expect(context.request).toEqual({ headers });
    expect(context.response).toBeUndefined();
  });

  it('has neither a request nor a response where the request has opened a WebSocket', () => {
    const response = new ServerResponse(new IncomingMessage(new Socket()));
    const request = { headers: { ...headers, 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==' }, res: response };
    for (const graphql of [{ req: request }, { reply: { request } }, { req: request, res: response }]) {
      const context = contextOf({}, {}, graphql, {});
      expect([context.request, context.response]).toEqual([{ headers: {} }, undefined]);
    }
  });

  it('finds the response in the context, or at the request of Express', () => {
    const response = new ServerResponse(new IncomingMessage(new Socket()));
    expect(contextOf({}, {}, { req: { headers }, res: response }, {}).response).toBe(response);
    expect(contextOf({}, {}, { req: { headers, res: response } }, {}).response).toBe(response);
    const reply = { raw: response, request: { headers } };
    expect(contextOf({}, {}, { reply }, {}).response).toBe(reply);
  });

  it('is the second argument of a resolver of references, which gets no arguments of the query', () => {
    const graphql = { req: { headers } };
    const context = contextOf({ __typename: 'User', id: '1' }, graphql, { operation: { operation: 'query' } });
    expect(context.request).toEqual({ headers });
    expect(context.operation).toBe(graphql);
  });
});
