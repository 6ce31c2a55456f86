import type { DynamicModule } from '@nestjs/common';
import { Module } from '@nestjs/common';
import { getDataSourceToken, TypeOrmModule } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import type { StoreSettings } from '../session/token-repository.factory.js';
import { TokenRepositoryFactory } from '../session/token-repository.factory.js';
import type { TokenRepository } from '../session/token-repository.js';
import { TokenSessionEntity } from './token-session.entity.js';
import { TypeOrmTokenRepository } from './typeorm-token.repository.js';

/** Keeps sessions in a DataSource of the application. `TokenModule` imports it unless it is given a repository. */
@Module({})
export class TypeOrmStoreModule {
  /** @param dataSource name of the DataSource. If it is left out, TypeORM's default one is used. */
  static forDataSource(dataSource?: string): DynamicModule {
    return {
      module: TypeOrmStoreModule,
      imports: [TypeOrmModule.forFeature([TokenSessionEntity], dataSource)],
      providers: [
        {
          provide: TokenRepositoryFactory,
          inject: [getDataSourceToken(dataSource)],
          useFactory: (source: DataSource) => new TypeOrmRepositoryFactory(source),
        },
      ],
      exports: [TokenRepositoryFactory],
    };
  }
}

class TypeOrmRepositoryFactory extends TokenRepositoryFactory {
  constructor(private readonly source: DataSource) {
    super();
  }

  override create(settings: StoreSettings): TokenRepository {
    return new TypeOrmTokenRepository(this.source, settings);
  }
}
