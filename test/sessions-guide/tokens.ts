import { Global, Module } from '@nestjs/common';
import { TokenModule } from 'nestjs-token';
import { UsersService } from './users.service.js';

@Global()
@Module({ providers: [UsersService], exports: [UsersService] })
export class UsersModule {}

export const tokens = TokenModule.forRootAsync({
  inject: [UsersService],
  useFactory: (users: UsersService) => ({
    issuer: 'https://api.example.com',
    secret: process.env['TOKEN_SECRET'],
    sessions: { max: 5, onLimit: 'end-oldest', trackUse: { every: '5m' } },
    loadUser: { load: (name) => users.findActive(name), cacheFor: '1m' },
  }),
});
