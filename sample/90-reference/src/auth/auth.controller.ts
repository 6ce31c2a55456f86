import {
  Body,
  Controller,
  ForbiddenException,
  Headers,
  HttpCode,
  Ip,
  Post,
  Req,
  UnauthorizedException,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common';
import type { Principal, TokenPair, TokenRequest } from 'nestjs-token';
import {
  AccessTokenService,
  ClearTokens,
  CurrentUser,
  JwtAuthGuard,
  RefreshService,
  RefreshToken,
  RefreshTokenGuard,
  TokenError,
  TokenInterceptor,
  TokenTransport,
} from 'nestjs-token';
import { AccountsService } from '../accounts/accounts.service.js';
import { deviceLabel } from './device-label.js';
import { readLogin, readPassword } from './login.js';
import { SignOutGuard } from './sign-out.guard.js';

@Controller('auth')
@UseInterceptors(TokenInterceptor)
export class AuthController {
  constructor(
    private readonly accounts: AccountsService,
    private readonly refresh: RefreshService,
    private readonly accessTokens: AccessTokenService,
    private readonly transport: TokenTransport,
  ) {}

  @Post('login')
  @HttpCode(200)
  async login(@Body() body: unknown, @Ip() ip: string, @Headers('user-agent') userAgent = ''): Promise<TokenPair> {
    const { username, password } = readLogin(body);
    const account = await this.accounts.checkPassword(username, password);
    if (!account) throw new UnauthorizedException('wrong username or password');
    const device = { label: deviceLabel(userAgent), ip, userAgent };
    const pair = await this.refresh.signIn(account.name, { claims: { roles: account.roles }, device });
    if (this.accounts.hasStill(account)) return pair;
    // The password was changed in the meantime, and the `revokeAll` of that change may have run before this session was stored.
    await this.refresh.revoke(pair.sessionId, { reason: 'password' });
    throw new UnauthorizedException('wrong username or password');
  }

  /**
   * Stores the password first and ends the other sessions second. A sign-in with the old password may store its session after `revokeAll`.
   * It then finds the new password stored and ends its session itself (`login`).
   */
  @Post('password')
  @HttpCode(204)
  @UseGuards(JwtAuthGuard)
  async changePassword(@CurrentUser() user: Principal, @Body() body: unknown): Promise<void> {
    await this.accounts.changePassword(user.sub, readPassword(body));
    await this.refresh.revokeAll(user.sub, { except: user.sid, reason: 'password' });
  }

  /**
   * The user has entered the password once more. The new access token opens routes with `@Fresh()`, and the refresh token stays as it is.
   */
  @Post('reauthenticate')
  @HttpCode(200)
  @UseGuards(JwtAuthGuard)
  async reauthenticate(@CurrentUser() user: Principal, @Body() body: unknown): Promise<TokenPair> {
    // Not 401: clients answer that with a refresh, or take it for a sign-out.
    if (!(await this.accounts.checkPassword(user.sub, readPassword(body)))) throw new ForbiddenException('wrong password');
    return this.refresh.reauthenticate(user.sid, { subject: user.sub });
  }

  /** For clients that refresh by themselves. Clients that send both tokens do not need it. */
  @Post('refresh')
  @HttpCode(200)
  @UseGuards(RefreshTokenGuard)
  async renew(@RefreshToken() token?: string): Promise<TokenPair> {
    return (await this.refresh.rotate(token)).pair;
  }

  /** Ends the session of the refresh token, of the access token, or of both. Without a valid token there is nothing to end. */
  @Post('logout')
  @HttpCode(204)
  @ClearTokens()
  @UseGuards(RefreshTokenGuard)
  async logout(@Req() request: TokenRequest, @RefreshToken() token?: string): Promise<void> {
    await this.refresh.signOut(token);
    const { access } = this.transport.read(request);
    // A browser sends cookies by itself, and only the refresh token has been checked against requests from other sites.
    if (access?.source !== 'header') return;
    const claims = await this.accessTokens.verify(access.token).catch(nothingIfRefused);
    if (claims?.sid !== undefined) await this.refresh.revoke(claims.sid, { reason: 'logout' });
  }

  @Post('logout-all')
  @HttpCode(204)
  @ClearTokens()
  @UseGuards(SignOutGuard)
  async logoutAll(@CurrentUser('sub') subject: string | undefined): Promise<void> {
    if (subject !== undefined) await this.refresh.revokeAll(subject, { reason: 'logout' });
  }
}

/** A token that is not good has nothing to end. Any other error, such as an outage, must not look like a sign-out. */
function nothingIfRefused(error: unknown): null {
  if (error instanceof TokenError && error.getStatus() === 401) return null;
  throw error;
}
