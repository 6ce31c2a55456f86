import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { RefreshService, type TokenPair } from 'nestjs-token';
import { UsersService } from './users.service.js';

interface OldPair {
  accessToken: string | undefined;
  refreshToken: string;
}

/** The pair as the old clients know it. */
function oldForm(pair: TokenPair, presented = ''): OldPair {
  const { access_token: accessToken, refresh_token: refreshToken = presented } = pair.toJSON();
  return { accessToken, refreshToken };
}

@Controller('auth')
export class AuthController {
  constructor(
    private readonly users: UsersService,
    private readonly refresh: RefreshService,
  ) {}

  @Post('login')
  async login(@Body('name') name: string): Promise<OldPair> {
    const user = this.users.checkPassword(name);
    return oldForm(await this.refresh.signIn(user.id, { claims: { roles: user.roles } }));
  }

  @Post('refresh')
  async rotate(@Body('refreshToken') token: string): Promise<OldPair> {
    return oldForm((await this.refresh.rotate(token)).pair, token);
  }

  @Post('logout')
  @HttpCode(204)
  async logout(@Body('refreshToken') token: string): Promise<void> {
    await this.refresh.signOut(token);
  }

  @Post('password')
  @HttpCode(204)
  async changePassword(@Body('name') name: string): Promise<void> {
    const user = this.users.checkPassword(name);
    user.refreshTokenHash = null; // the old tokens
    await this.refresh.revokeAll(user.id, { reason: 'password' });
  }
}
