import { Body, Controller, Get, Headers, HttpCode, Module, Post, UnauthorizedException, UseGuards, UseInterceptors } from '@nestjs/common';
import { Redis } from 'ioredis';
import type { Principal, SessionSummary, TokenPair } from 'nestjs-token';
import { CurrentUser, JwtAuthGuard, RefreshService, TokenInterceptor, TokenModule } from 'nestjs-token';
import { RedisRevocationPush } from 'nestjs-token/redis';
import { RedisModule } from './redis.module.js';
import { RedisTokenRepository } from './redis-token.repository.js';

/** Stands for your check of a password. */
const PASSWORD = 'correct horse battery staple';

@Controller()
@UseInterceptors(TokenInterceptor)
class AppController {
  constructor(private readonly refresh: RefreshService) {}

  @Post('auth/login')
  @HttpCode(200)
  async login(@Body() { username, password }: { username?: unknown; password?: unknown } = {}): Promise<TokenPair> {
    if (username !== 'alice' || password !== PASSWORD) throw new UnauthorizedException();
    return this.refresh.signIn('alice');
  }

  @Post('auth/refresh')
  @HttpCode(200)
  async rotate(@Headers('X-Refresh-Token') refreshToken?: string): Promise<TokenPair> {
    return (await this.refresh.rotate(refreshToken)).pair;
  }

  @Post('auth/logout')
  @HttpCode(204)
  async logout(@Headers('X-Refresh-Token') refreshToken?: string): Promise<void> {
    await this.refresh.signOut(refreshToken);
  }

  @Get('me')
  @UseGuards(JwtAuthGuard)
  me(@CurrentUser() user: Principal): Principal {
    return user;
  }

  @Get('auth/sessions')
  @UseGuards(JwtAuthGuard)
  sessions(@CurrentUser('sub') subject: string): Promise<readonly SessionSummary[]> {
    return this.refresh.sessions(subject);
  }
}

@Module({
  imports: [
    RedisModule,
    TokenModule.forRootAsync({
      repository: RedisTokenRepository,
      inject: [Redis],
      useFactory: (redis: Redis) => ({
        issuer: 'https://api.example.com',
        secret: process.env.TOKEN_SECRET,
        push: new RedisRevocationPush(redis),
      }),
    }),
  ],
  controllers: [AppController],
})
export class AppModule {}
