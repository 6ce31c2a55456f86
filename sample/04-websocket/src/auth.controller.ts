import { Body, Controller, HttpCode, Post, UnauthorizedException, UseGuards, UseInterceptors } from '@nestjs/common';
import type { TokenPair } from 'nestjs-token';
import { RefreshService, RefreshToken, RefreshTokenGuard, TokenInterceptor } from 'nestjs-token';

const USERS = ['alice', 'bob'];

@Controller('auth')
@UseInterceptors(TokenInterceptor)
export class AuthController {
  constructor(private readonly refresh: RefreshService) {}

  /** The check of the password is yours. The quick start has one. */
  @Post('login')
  @HttpCode(200)
  login(@Body() { username, password }: { username?: unknown; password?: unknown } = {}): Promise<TokenPair> {
    const user = USERS.find((name) => name === username);
    if (user === undefined || password !== 'correct horse battery staple') throw new UnauthorizedException();
    return this.refresh.signIn(user);
  }

  @Post('refresh')
  @HttpCode(200)
  @UseGuards(RefreshTokenGuard)
  async renew(@RefreshToken() token?: string): Promise<TokenPair> {
    return (await this.refresh.rotate(token)).pair;
  }

  /** Ends the session, and closes its sockets at once. */
  @Post('logout')
  @HttpCode(204)
  @UseGuards(RefreshTokenGuard)
  async logout(@RefreshToken() token?: string): Promise<void> {
    await this.refresh.signOut(token);
  }
}
