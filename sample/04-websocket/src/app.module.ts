import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { TokenModule } from 'nestjs-token';
import { AuthController } from './auth.controller.js';
import { ChatGateway } from './chat.gateway.js';

@Module({
  imports: [
    TypeOrmModule.forRoot({ type: 'better-sqlite3', database: ':memory:', autoLoadEntities: true, synchronize: true }),
    TokenModule.forRoot({
      issuer: 'https://chat.example.com',
      secret: process.env.TOKEN_SECRET,
      websocket: { closeOnExpiry: true },
    }),
  ],
  controllers: [AuthController],
  providers: [ChatGateway],
})
export class AppModule {}
