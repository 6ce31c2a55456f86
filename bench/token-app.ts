import type { DynamicModule, Type } from '@nestjs/common';
import { Body, Controller, Get, HttpCode, Module, Post, UseGuards, UseInterceptors } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import type { RefreshOptions, TokenEvent, TokenPair } from 'nestjs-token';
import { JwtAuthGuard, RefreshService, TokenInterceptor, TokenModule } from 'nestjs-token';
import type { DataSourceOptions } from 'typeorm';

@Controller()
class Routes {
  constructor(private readonly refresh: RefreshService) {}

  @Post('auth/refresh')
  @HttpCode(200)
  @UseInterceptors(TokenInterceptor)
  async renew(@Body('refresh_token') refreshToken: string): Promise<TokenPair> {
    return (await this.refresh.rotate(refreshToken)).pair;
  }

  @Get('me')
  @UseGuards(JwtAuthGuard)
  me(): object {
    return { hello: 'world' };
  }
}

export interface TokenAppOptions {
  connection: DataSourceOptions;
  refresh?: RefreshOptions;
  controllers?: Type[];
  /** @defaultValue true */
  preparedStatements?: boolean;
  /** Counts the session events by type. */
  events?: Record<string, number>;
}

/** An application with our module; its routes are an explicit refresh and a guarded one. */
export function tokenApp({
  connection,
  refresh = {},
  controllers = [Routes],
  events = {},
  preparedStatements = true,
}: TokenAppOptions): DynamicModule {
  @Module({})
  class App {}
  const onEvent = ({ type }: TokenEvent) => (events[type] = (events[type] ?? 0) + 1);
  const tokens = TokenModule.forRoot({
    issuer: 'https://bench.example',
    secret: 'bench-kN3vQ8sLx2Rf7WzYp5TcHd9Jm4Gb6Ua1',
    refresh,
    preparedStatements,
    janitor: false,
    onEvent,
  });
  return { module: App, imports: [TypeOrmModule.forRoot({ ...connection, autoLoadEntities: true }), tokens], controllers };
}
