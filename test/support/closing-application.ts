import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import { RefreshService, TokenModule } from 'nestjs-token';

@Module({
  imports: [
    TypeOrmModule.forRoot({ type: 'better-sqlite3', database: ':memory:', autoLoadEntities: true, synchronize: true }),
    TokenModule.forRoot({ issuer: 'https://api.example.com', secret: 'a secret of the tests, longer than 32 bytes' }),
  ],
})
class AppModule {}

/** A script that closes its application and calls no `process.exit()`: it ends only if nothing is left that keeps the process alive. */
process.on('exit', (code) => console.log(`exit ${code}`));
const app = await NestFactory.create(AppModule, { logger: false });
await app.listen(0, '127.0.0.1');
const refresh = app.get(RefreshService);
const { refreshToken = '' } = await refresh.signIn('alice');
await refresh.rotate(refreshToken);
console.log('signed in');
await app.close();
console.log('closed');
