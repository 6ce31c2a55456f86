// GraphQL on each driver, and a microservice, on this version of Nest. Exits 0 when the responses are as expected.
import 'reflect-metadata';
import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import { Controller, type DynamicModule, Module, UseGuards } from '@nestjs/common';
import { type AbstractHttpAdapter, NestFactory } from '@nestjs/core';
import { GraphQLModule, Query, Resolver } from '@nestjs/graphql';
import { MercuriusDriver, type MercuriusDriverConfig } from '@nestjs/mercurius';
import { ClientProxyFactory, EventPattern, MessagePattern, type MicroserviceOptions, Payload, Transport } from '@nestjs/microservices';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { AccessToken, CurrentUser, JwtAuthGuard, RefreshService, TokenModule } from 'nestjs-token';
import { expiredPair, InMemoryTokenRepository } from 'nestjs-token/testing';
import type { AddressInfo, Server } from 'node:net';
import { firstValueFrom } from 'rxjs';
import { expect, run } from './check.js';

const TOKENS = {
  issuer: 'https://api.example.com',
  secret: 'a secret of this test, 8f1c0e5b7d2a4936',
  repository: InMemoryTokenRepository,
  globalGuard: true,
};

@Resolver()
class CallerResolver {
  @Query(() => String)
  me(@CurrentUser('sub') sub: string): string {
    return sub;
  }
}

@Controller()
@UseGuards(JwtAuthGuard)
class ReportsController {
  @MessagePattern('reports')
  reports(@Payload() payload: object, @CurrentUser('sub') sub: string, @AccessToken() token?: string): object {
    return { sub, members: Object.keys(payload), hasToken: token !== undefined };
  }

  @EventPattern<string>('opened')
  opened(): void {
    throw new Error('an event without a token has been handled');
  }
}

const apollo = (): DynamicModule => GraphQLModule.forRoot<ApolloDriverConfig>({ driver: ApolloDriver, autoSchemaFile: true });
const mercurius = (): DynamicModule => GraphQLModule.forRoot<MercuriusDriverConfig>({ driver: MercuriusDriver, autoSchemaFile: true });

async function main(): Promise<void> {
  await graphql('Apollo on Express', apollo(), new ExpressAdapter());
  await graphql('Apollo on Fastify', apollo(), new FastifyAdapter());
  await graphql('Mercurius on Fastify', mercurius(), new FastifyAdapter());
  await messages();
}

async function graphql(server: string, driver: DynamicModule, adapter: AbstractHttpAdapter): Promise<void> {
  @Module({ imports: [TokenModule.forRoot(TOKENS), driver], providers: [CallerResolver] })
  class AppModule {}
  const app = await NestFactory.create(AppModule, adapter, { logger: ['warn', 'error'] });
  await app.listen(0, '127.0.0.1');
  const ask = async (headers: Record<string, string>): Promise<Response> =>
    fetch(`${await app.getUrl()}/graphql`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...headers },
      body: '{"query":"{ me }"}',
    });
  const { accessToken, refreshToken } = await expiredPair(app, 'alice');
  const refreshed = await ask({ Authorization: `Bearer ${accessToken}`, 'X-Refresh-Token': refreshToken ?? '' });
  expect(`${server}: a refresh inside the operation`, JSON.stringify(await refreshed.json()), '{"data":{"me":"alice"}}');
  expect(`${server}: the new refresh token`, refreshed.headers.get('X-Refresh-Token')?.length, 56);
  const { errors } = (await (await ask({})).json()) as { errors: { extensions: { code: string; originalError?: unknown } }[] };
  expect(`${server}: the code of an error`, errors[0]?.extensions.code, 'token_missing');
  expect(`${server}: and no body of HTTP`, errors[0]?.extensions.originalError, undefined);
  await app.close();
}

async function messages(): Promise<void> {
  @Module({ imports: [TokenModule.forRoot({ ...TOKENS, rpc: { field: 'accessToken' } })], controllers: [ReportsController] })
  class ServiceModule {}
  const app = await NestFactory.create(ServiceModule, { logger: ['warn'] });
  const tcp: MicroserviceOptions = { transport: Transport.TCP, options: { host: '127.0.0.1', port: 0 } };
  const service = app.connectMicroservice(tcp, { inheritAppConfig: true });
  await app.startAllMicroservices();
  const { port } = service.unwrap<Server>().address() as AddressInfo;
  const client = ClientProxyFactory.create({ transport: Transport.TCP, options: { host: '127.0.0.1', port } });
  const { accessToken } = await app.get(RefreshService).signIn('alice');
  const send = (payload: object): Promise<unknown> =>
    firstValueFrom(client.send<unknown>('reports', payload)).catch((error: unknown) => error);
  expect('a message', JSON.stringify(await send({ month: 7, accessToken })), '{"sub":"alice","members":["month"],"hasToken":true}');
  await firstValueFrom(client.emit('opened', { month: 7 }), { defaultValue: undefined });
  const refusal = (await send({ month: 7 })) as { errorCode?: string };
  expect('a message without a token', refusal.errorCode, 'token_missing');
  await client.close();
  await app.close();
}

run(main);
