import { afterEach, describe, expect, it } from '@jest/globals';
import { UseGuards } from '@nestjs/common';
import { GraphQLModule, Mutation, Query, Resolver } from '@nestjs/graphql';
import type { MercuriusDriverConfig } from '@nestjs/mercurius';
import { MercuriusDriver } from '@nestjs/mercurius';
import type { Client } from 'graphql-ws';
import { createClient } from 'graphql-ws';
import { CurrentUser, JwtAuthGuard, OptionalAuth, RefreshService } from 'nestjs-token';
import { WebSocket } from 'ws';
import type { TestApp } from '../support/app.js';
import { startApp } from '../support/app.js';

const payments: string[] = [];

@Resolver()
@UseGuards(JwtAuthGuard)
class PaymentResolver {
  @Query(() => String)
  me(@CurrentUser('sub') sub: string): string {
    return sub;
  }

  @Query(() => String)
  @OptionalAuth()
  maybe(@CurrentUser('sub') sub = 'nobody'): string {
    return sub;
  }

  @Mutation(() => String)
  pay(@CurrentUser('sub') sub: string): string {
    payments.push(sub);
    return sub;
  }
}

/** The context has the upgrade request, as that of HTTP has its request, and not the socket. */
const context = (_socket: unknown, request: unknown): object => ({ req: request });

describe('a query or mutation over graphql-ws whose context has the upgrade request as `req`, and no socket (Mercurius)', () => {
  let running: TestApp;
  const clients: Client[] = [];
  afterEach(async () => {
    for (const client of clients.splice(0)) await client.dispose();
    await running.close();
    payments.length = 0;
  });

  const start = async (): Promise<RefreshService> => {
    const options = { transport: 'cookie', cookie: { insecure: true } } as const;
    const subscription = { context, fullWsTransport: true };
    const graphql = GraphQLModule.forRoot<MercuriusDriverConfig>({ driver: MercuriusDriver, autoSchemaFile: true, subscription });
    running = await startApp({ adapter: 'fastify', controllers: [], providers: [PaymentResolver], imports: [graphql], options });
    return running.app.get(RefreshService);
  };
  const connect = (headers: Record<string, string>, connectionParams: Record<string, unknown> = {}): Client => {
    class Socket extends WebSocket {
      constructor(address: string, protocols: string) {
        super(address, protocols, { headers });
      }
    }
    const client = createClient({
      url: `ws://127.0.0.1:${running.port}/graphql`,
      webSocketImpl: Socket,
      connectionParams,
      retryAttempts: 0,
      lazy: false,
      onNonLazyError: () => undefined,
    });
    clients.push(client);
    return client;
  };
  const ask = async (client: Client, query: string): Promise<unknown> => {
    for await (const result of client.iterate({ query })) return result;
    return 'nothing';
  };
  const refusedWith = (code: string): object => ({ errors: [{ extensions: { code } }] });

  it('is refused from a page of another site that claims in connection_init to be of the same one (CK-08)', async () => {
    const { accessToken } = await (await start()).signIn('alice');
    const client = connect({ cookie: `access=${accessToken}`, origin: 'https://evil.example' }, { 'sec-fetch-site': 'same-origin' });
    // Mercurius adds the claims to the headers with the first operation, at the latest.
    await ask(client, '{ maybe }');
    expect(await ask(client, 'mutation { pay }')).toMatchObject(refusedWith('csrf_failed'));
    expect(payments).toEqual([]);
  });

  it('rotates no refresh token, because no response could carry the pair', async () => {
    const refresh = await start();
    const { refreshToken } = await refresh.signIn('alice');
    const client = connect({ cookie: `refresh=${refreshToken}`, origin: `http://127.0.0.1:${running.port}` });
    expect(await ask(client, '{ me }')).toMatchObject(refusedWith('token_missing'));
    expect(await refresh.rotate(refreshToken)).toMatchObject({ outcome: 'rotated' });
  });

  it('has the caller of the upgrade request on a page of its own', async () => {
    const { accessToken } = await (await start()).signIn('alice');
    const client = connect({ cookie: `access=${accessToken}`, origin: `http://127.0.0.1:${running.port}` });
    expect(await ask(client, '{ maybe }')).toEqual({ data: { maybe: 'alice' } });
  });
});
