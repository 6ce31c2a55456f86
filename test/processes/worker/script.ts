import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { getDataSourceToken, TypeOrmModule } from '@nestjs/typeorm';
import type { DataSource, DataSourceOptions } from 'typeorm';
import { RefreshService, TokenModule } from 'nestjs-token';
import { PostgresRevocationPush } from 'nestjs-token/typeorm';

/** What a script is told on its command line, as JSON. */
export interface ScriptSetup {
  readonly dataSource: DataSourceOptions;
  readonly push: boolean;
}

const { dataSource, push } = JSON.parse(process.argv[2] ?? '{}') as ScriptSetup;

/** Signs somebody in, and forgets to close the application. */
@Module({
  imports: [
    TypeOrmModule.forRoot({ ...dataSource, autoLoadEntities: true, synchronize: false }),
    TokenModule.forRootAsync({
      inject: [getDataSourceToken()],
      useFactory: (source: DataSource) => ({
        issuer: 'https://api.example.com',
        secret: 'a secret of the tests, longer than 32 bytes',
        ...(push && { push: new PostgresRevocationPush(source) }),
      }),
    }),
  ],
})
class ScriptModule {}

const application = await NestFactory.createApplicationContext(ScriptModule, { logger: false });
await application.get(RefreshService).signIn('alice');
