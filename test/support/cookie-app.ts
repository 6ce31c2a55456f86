import { Controller, Get, HttpCode, Post, UseGuards, UseInterceptors } from '@nestjs/common';
import type { Principal, TokenModuleRootOptions } from 'nestjs-token';
import {
  ClearTokens,
  CurrentUser,
  JwtAuthGuard,
  OptionalAuth,
  RefreshService,
  RefreshToken,
  RefreshTokenGuard,
  TokenInterceptor,
} from 'nestjs-token';
import { InMemoryTokenRepository } from 'nestjs-token/testing';
import type { AppSetup, TestApp } from './app.js';
import { startApp } from './app.js';

/** Sign-in, refresh and sign-out as an application writes them, and guarded routes that read and write. */
@Controller()
@UseInterceptors(TokenInterceptor)
export class CookieController {
  constructor(private readonly refresh: RefreshService) {}

  @Post('auth/login')
  @HttpCode(200)
  login(): Promise<unknown> {
    return this.refresh.signIn('alice', { claims: { roles: ['reader'] } });
  }

  @Post('auth/refresh')
  @HttpCode(200)
  @UseGuards(RefreshTokenGuard)
  async renew(@RefreshToken() token?: string): Promise<unknown> {
    return (await this.refresh.rotate(token)).pair;
  }

  @Post('auth/logout')
  @HttpCode(204)
  @ClearTokens()
  @UseGuards(RefreshTokenGuard)
  async logout(@RefreshToken() token?: string): Promise<void> {
    await this.refresh.signOut(token);
  }

  @Get('me')
  @UseGuards(JwtAuthGuard)
  me(@CurrentUser() user: Principal): Principal {
    return user;
  }

  @Get('optional')
  @OptionalAuth()
  @UseGuards(JwtAuthGuard)
  optional(@CurrentUser('sub') subject?: string): object {
    return { subject: subject ?? null };
  }

  @Post('notes')
  @HttpCode(200)
  @UseGuards(JwtAuthGuard)
  write(@CurrentUser('sub') subject: string): object {
    return { subject };
  }
}

/** Starts an application whose tokens travel in cookies. */
export function startCookieApp(options: Partial<TokenModuleRootOptions> = {}, setup: AppSetup = {}): Promise<TestApp> {
  const controllers = [CookieController, ...(setup.controllers ?? [])];
  return startApp({ ...setup, controllers, options: { transport: 'cookie', repository: InMemoryTokenRepository, ...options } });
}
