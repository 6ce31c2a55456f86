import { ApolloDriver } from '@nestjs/apollo';
import type { ApolloDriverConfig } from '@nestjs/apollo';
import type { DynamicModule } from '@nestjs/common';
import { UseGuards, UseInterceptors } from '@nestjs/common';
import { Args, Field, GraphQLModule, Int, Mutation, ObjectType, Query, Resolver } from '@nestjs/graphql';
import { MercuriusDriver } from '@nestjs/mercurius';
import type { MercuriusDriverConfig } from '@nestjs/mercurius';
import type { Principal, SessionInfo } from 'nestjs-token';
import {
  AccessToken,
  AuthInstance,
  ClearTokens,
  CurrentSession,
  CurrentUser,
  Fresh,
  JwtAuthGuard,
  OptionalAuth,
  Public,
  RefreshService,
  RefreshToken,
  RefreshTokenGuard,
  TokenInterceptor,
  TokenPair,
} from 'nestjs-token';
import { InMemoryTokenRepository } from 'nestjs-token/testing';
import type { Answer, AppSetup, TestApp } from './app.js';
import { partnerModule, startApp } from './app.js';

/** The drivers of Nest, and the platforms that each of them runs on. */
export const GRAPHQL_SERVERS = ['Apollo on Express', 'Apollo on Fastify', 'Mercurius on Fastify'] as const;
export type GraphqlServer = (typeof GRAPHQL_SERVERS)[number];

/** Options that one of the drivers knows. */
export type DriverConfig = Partial<ApolloDriverConfig & MercuriusDriverConfig>;

@ObjectType()
class Caller {
  @Field(() => String, { nullable: true })
  sub?: string | null;

  @Field(() => String, { nullable: true })
  session?: string | null;
}

/** As applications declare what a sign-in returns: the names of RFC 6749 §5.1. */
@ObjectType()
class Tokens {
  @Field(() => String, { nullable: true })
  access_token?: string;

  @Field(() => String, { nullable: true })
  refresh_token?: string;

  @Field()
  token_type!: string;

  @Field(() => Int)
  expires_in!: number;

  @Field(() => Int)
  refresh_expires_in!: number;

  @Field()
  session_id!: string;
}

@Resolver(() => Caller)
export class CallerResolver {
  @Query(() => Caller)
  @UseGuards(JwtAuthGuard)
  me(@CurrentUser() user: Principal, @CurrentSession() session: SessionInfo): Caller {
    return { sub: user.sub, session: session.sessionId ?? null };
  }

  @Query(() => String)
  @UseGuards(JwtAuthGuard)
  token(@AccessToken() token: string): string {
    return token;
  }

  @Query(() => Caller)
  @OptionalAuth()
  @UseGuards(JwtAuthGuard)
  visitor(@CurrentUser('sub') sub?: string): Caller {
    return { sub: sub ?? null };
  }

  @Query(() => Caller)
  @Public()
  @UseGuards(JwtAuthGuard)
  anyone(@CurrentUser('sub') sub?: string): Caller {
    return { sub: sub ?? null };
  }

  /** Closed by `globalGuard` alone. */
  @Query(() => Caller)
  unmarked(@CurrentUser('sub') sub?: string): Caller {
    return { sub: sub ?? null };
  }

  @Mutation(() => Caller)
  @Fresh('1m')
  @UseGuards(JwtAuthGuard)
  transfer(@CurrentUser('sub') sub: string): Caller {
    return { sub };
  }

  @Mutation(() => Caller)
  @AuthInstance('partner')
  @UseGuards(JwtAuthGuard)
  partner(@CurrentUser('sub') sub: string): Caller {
    return { sub };
  }
}

@Resolver(() => Tokens)
@UseInterceptors(TokenInterceptor)
export class TokensResolver {
  constructor(private readonly refresh: RefreshService) {}

  @Mutation(() => Tokens)
  @Public()
  login(@Args('name') name: string): Promise<TokenPair> {
    return this.refresh.signIn(name);
  }

  @Mutation(() => Tokens)
  @Public()
  @UseGuards(RefreshTokenGuard)
  async renew(@RefreshToken() token?: string): Promise<TokenPair> {
    return (await this.refresh.rotate(token)).pair;
  }

  @Mutation(() => Boolean)
  @Public()
  @ClearTokens()
  @UseGuards(RefreshTokenGuard)
  async logout(@RefreshToken() token?: string): Promise<boolean> {
    await this.refresh.signOut(token);
    return true;
  }
}

/** An application with GraphQL. */
export interface GraphqlApp extends TestApp {
  /** Sends one operation, or several in a batch. */
  ask(query: string | readonly string[], headers?: Record<string, string>): Promise<Answer>;
}

/** What a test changes of the application. */
export interface GraphqlSetup extends AppSetup {
  driver?: DriverConfig;
}

/** Starts an application on one of the drivers, with a second module instance `partner`. */
export async function startGraphql(server: GraphqlServer, { driver = {}, ...setup }: GraphqlSetup = {}): Promise<GraphqlApp> {
  const running = await startApp({
    adapter: server === 'Apollo on Express' ? 'express' : 'fastify',
    controllers: [],
    ...setup,
    options: { repository: InMemoryTokenRepository, ...setup.options },
    providers: [CallerResolver, TokensResolver, ...(setup.providers ?? [])],
    imports: [graphqlModule(server, driver), partnerModule({ repository: InMemoryTokenRepository }), ...(setup.imports ?? [])],
  });
  return {
    ...running,
    ask: (query, headers = {}) => {
      const body = typeof query === 'string' ? { query } : query.map((one) => ({ query: one }));
      return running.call('/graphql', { method: 'POST', headers, body });
    },
  };
}

function graphqlModule(server: GraphqlServer, driver: DriverConfig): DynamicModule {
  if (server === 'Mercurius on Fastify') {
    const config = { driver: MercuriusDriver, autoSchemaFile: true, allowBatchedQueries: true, ...driver };
    return GraphQLModule.forRoot<MercuriusDriverConfig>(config);
  }
  // Apollo's own protection against other sites asks for a header. Ours must hold without it.
  const config = { driver: ApolloDriver, autoSchemaFile: true, allowBatchedHttpRequests: true, csrfPrevention: false, ...driver };
  return GraphQLModule.forRoot<ApolloDriverConfig>(config);
}
