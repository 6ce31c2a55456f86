import { All, Body, Controller, Get, HttpCode, Injectable, Post, UseGuards, UseInterceptors } from '@nestjs/common';
import { AuthGuard } from '@nestjs/passport';
import type { AccessTokenResponse, Principal, SessionInfo, StatelessSignInOptions, TokenModuleRootOptions } from 'nestjs-token';
import {
  ClearTokens,
  CurrentSession,
  CurrentUser,
  Fresh,
  JwtAuthGuard,
  OptionalAuth,
  RefreshToken,
  RefreshTokenGuard,
  SignInService,
  TokenInterceptor,
  TokenLocations,
  TokenModule,
} from 'nestjs-token';
import type { AppSetup, TestApp } from './app.js';
import { startApp } from './app.js';
import { optionsWith } from './option-cases.js';

/** The guard of a context whose response can carry no tokens. */
@Injectable()
export class SilentGuard extends JwtAuthGuard {
  protected override getResponse(): undefined {
    return undefined;
  }
}

/** Sign-in and sign-out of an application without sessions, and guarded routes that read and write. */
@Controller()
@UseInterceptors(TokenInterceptor)
export class StatelessController {
  constructor(private readonly signIns: SignInService) {}

  @Post('auth/login')
  @HttpCode(200)
  @UseGuards(RefreshTokenGuard)
  async login(@Body() { subject = 'alice', ...options }: { subject?: string } & StatelessSignInOptions): Promise<object> {
    return { user: { id: subject }, tokens: await this.signIns.signIn(subject, { claims: { roles: ['reader'] }, ...options }) };
  }

  @Post('auth/logout')
  @HttpCode(204)
  @ClearTokens()
  @UseGuards(RefreshTokenGuard)
  logout(@RefreshToken() token?: string): void {
    if (token !== undefined) throw new Error('there are no refresh tokens');
  }

  @Get('me')
  @UseGuards(JwtAuthGuard)
  me(@CurrentUser() user: Principal, @CurrentSession() session: SessionInfo): object {
    return { ...user, session };
  }

  @Get('optional')
  @OptionalAuth()
  @UseGuards(JwtAuthGuard)
  optional(@CurrentUser('sub') subject?: string): object {
    return { subject: subject ?? null };
  }

  @Get('vault')
  @Fresh('5m')
  @UseGuards(JwtAuthGuard)
  vault(): object {
    return { open: true };
  }

  @Get('download')
  @TokenLocations({ query: 'token' }, 'header')
  @UseGuards(JwtAuthGuard)
  download(@CurrentUser('sub') subject: string): object {
    return { subject };
  }

  @Post('upload')
  @HttpCode(200)
  @TokenLocations({ body: 'token' })
  @UseGuards(JwtAuthGuard)
  upload(@CurrentUser('sub') subject: string): object {
    return { subject };
  }

  @Post('notes')
  @HttpCode(200)
  @UseGuards(JwtAuthGuard)
  write(@CurrentUser('sub') subject: string): object {
    return { subject };
  }

  @All('any')
  @UseGuards(JwtAuthGuard)
  any(): object {
    return {};
  }

  @Get('silent')
  @UseGuards(SilentGuard)
  silent(): object {
    return {};
  }

  @Get('twice')
  @UseGuards(JwtAuthGuard, JwtAuthGuard)
  twice(@CurrentUser('jti') jti: string): object {
    return { jti };
  }
}

/** A route of an application that has not moved from passport yet. */
@Controller()
export class PassportController {
  @Get('legacy')
  @UseGuards(AuthGuard('jwt'))
  legacy(): object {
    return {};
  }
}

/** Options of an instance without sessions. `secret: DROP` removes the secret. */
export type StatelessOptions = Omit<Partial<TokenModuleRootOptions>, 'secret'> & { secret?: unknown };

/** Starts an application without sessions. */
export function startStatelessApp(options: StatelessOptions = {}, setup: AppSetup = {}): Promise<TestApp> {
  const controllers = [StatelessController, ...(setup.controllers ?? [])];
  const imports = [TokenModule.forRoot(optionsWith({ sessions: false, ...options })), ...(setup.imports ?? [])];
  return startApp({ ...setup, controllers, options: null, imports });
}

/** Signs in without a login route. */
export function signIn({ app }: TestApp, options: StatelessSignInOptions = {}, subject = 'alice'): Promise<AccessTokenResponse> {
  return app.get(SignInService).signIn(subject, options);
}
