import { ApolloDriver } from '@nestjs/apollo';
import type { ApolloDriverConfig } from '@nestjs/apollo';
import { Module } from '@nestjs/common';
import { GraphQLModule } from '@nestjs/graphql';
import { TypeOrmModule } from '@nestjs/typeorm';
import { TokenModule } from 'nestjs-token';
import { AuthResolver } from './auth.resolver.js';
import { NotesResolver } from './notes.resolver.js';

/** A GraphQL API behind the guard: every query and mutation needs a token, unless it says otherwise. */
@Module({
  imports: [
    TypeOrmModule.forRoot({ type: 'better-sqlite3', database: ':memory:', autoLoadEntities: true, synchronize: true }),
    TokenModule.forRoot({ issuer: 'https://api.example.com', secret: process.env.TOKEN_SECRET, globalGuard: true }),
    GraphQLModule.forRoot<ApolloDriverConfig>({ driver: ApolloDriver, autoSchemaFile: true }),
  ],
  providers: [AuthResolver, NotesResolver],
})
export class AppModule {}
