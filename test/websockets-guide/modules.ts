import type { ApolloDriverConfig } from '@nestjs/apollo';
import { ApolloDriver } from '@nestjs/apollo';
import { UseGuards } from '@nestjs/common';
import { GraphQLModule, Query, Resolver, Subscription } from '@nestjs/graphql';
import type { MercuriusDriverConfig } from '@nestjs/mercurius';
import { MercuriusDriver } from '@nestjs/mercurius';
import { CurrentUser, JwtAuthGuard, TokenModule } from 'nestjs-token';
import { EventEmitter, on } from 'node:events';
import type { WebSocket } from 'ws';

export const orders = new EventEmitter();

export const tokens = TokenModule.forRoot({
  issuer: 'https://api.example.com',
  secret: process.env.TOKEN_SECRET,
  websocket: { closeOnExpiry: true },
});

@Resolver()
export class OrdersResolver {
  @Query(() => String)
  ping(): string {
    return 'pong';
  }

  @Subscription(() => String, { resolve: ([order]: [string]) => order })
  @UseGuards(JwtAuthGuard)
  orders(@CurrentUser('sub') sub: string) {
    return on(orders, sub);
  }
}

export const apollo = GraphQLModule.forRoot<ApolloDriverConfig>({
  driver: ApolloDriver,
  autoSchemaFile: true,
  subscriptions: { 'graphql-ws': true },
});

export const mercurius = GraphQLModule.forRoot<MercuriusDriverConfig>({
  driver: MercuriusDriver,
  autoSchemaFile: true,
  subscription: { context: (socket: WebSocket) => ({ socket }) },
});
