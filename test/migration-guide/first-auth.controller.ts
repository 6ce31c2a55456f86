import { Body, Controller, Post } from '@nestjs/common';
import { RefreshService, type TokenPair } from 'nestjs-token';
import { UsersService } from './users.service.js';

interface OldPair {
  accessToken: string | undefined;
  refreshToken: string;
}

/** The pair as the old clients know it. */
function oldForm(pair: TokenPair, presented: string): OldPair {
  const { access_token: accessToken, refresh_token: refreshToken = presented } = pair.toJSON();
  return { accessToken, refreshToken };
}

@Controller('auth')
export class FirstAuthController {
  constructor(
    private readonly users: UsersService,
    private readonly refresh: RefreshService,
  ) {}

  @Post('login')
  login(@Body('name') name: string): Promise<OldPair> {
    return this.users.issueOldTokens(name);
  }

  @Post('refresh')
  async rotate(@Body('refreshToken') token: string): Promise<OldPair> {
    if (!token.startsWith('ntr_')) return this.users.refreshOldTokens(token);
    return oldForm((await this.refresh.rotate(token)).pair, token);
  }
}
