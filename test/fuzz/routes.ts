import {
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  Param,
  Patch,
  Post,
  UnauthorizedException,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import type { Principal, TokenPair } from 'nestjs-token';
import {
  ClearTokens,
  CurrentUser,
  Fresh,
  JwtAuthGuard,
  OptionalAuth,
  Public,
  RefreshService,
  RefreshToken,
  RefreshTokenGuard,
  TokenInterceptor,
  TokenLocations,
} from 'nestjs-token';

export const PASSWORD = 'correct horse battery staple';

/** What a guarded route responds with. */
export interface WhoAmI {
  readonly sub: string | null;
  readonly sid: string | null;
}

/** Routes of every kind. */
@Controller()
@UseGuards(JwtAuthGuard)
@UseInterceptors(TokenInterceptor)
export class Routes {
  constructor(private readonly refresh: RefreshService) {}

  @Public()
  @Post('login')
  @HttpCode(200)
  async login(@Body() body?: { username?: unknown; password?: unknown }): Promise<TokenPair> {
    const { username, password } = body ?? {};
    if (typeof username !== 'string' || !/^[a-z0-9-]{1,40}$/.test(username) || password !== PASSWORD) throw new UnauthorizedException();
    return this.refresh.signIn(username);
  }

  @Public()
  @Post('refresh')
  @HttpCode(200)
  @UseGuards(RefreshTokenGuard)
  async renew(@RefreshToken() token?: string): Promise<TokenPair> {
    return (await this.refresh.rotate(token)).pair;
  }

  @Public()
  @Post('logout')
  @HttpCode(204)
  @ClearTokens()
  @UseGuards(RefreshTokenGuard)
  async logout(@RefreshToken() token?: string): Promise<void> {
    await this.refresh.signOut(token);
  }

  @Get('me')
  me(@CurrentUser() user: Principal): WhoAmI {
    return whoIs(user);
  }

  @Post('notes')
  @HttpCode(200)
  write(@CurrentUser() user: Principal): WhoAmI {
    return whoIs(user);
  }

  @OptionalAuth()
  @Get('optional')
  optional(@CurrentUser() user?: Principal): WhoAmI {
    return whoIs(user);
  }

  @Public()
  @Get('public')
  public(): WhoAmI {
    return whoIs(undefined);
  }

  @Fresh('1h')
  @Get('fresh')
  fresh(@CurrentUser() user: Principal): WhoAmI {
    return whoIs(user);
  }

  @TokenLocations({ query: 'token' }, { body: 'token' })
  @Get('download')
  download(@CurrentUser() user: Principal): WhoAmI {
    return whoIs(user);
  }

  @Get('sessions')
  async sessions(@CurrentUser() user: Principal): Promise<object> {
    return this.refresh.sessions(user.sub);
  }

  @Patch('sessions/current')
  async rename(@CurrentUser() user: Principal, @Body() body?: { label?: unknown }): Promise<object> {
    const label = body?.label;
    return { changed: await this.refresh.update(user.sid ?? '', { label: typeof label === 'string' ? label : null }) };
  }

  @Delete('sessions/:id')
  @HttpCode(204)
  async end(@CurrentUser() user: Principal, @Param('id') id: string): Promise<void> {
    await this.refresh.revoke(id, { subject: user.sub });
  }
}

/** A guarded gateway on the same port. */
@WebSocketGateway({ path: '/socket' })
export class Gateway {
  @UseGuards(JwtAuthGuard)
  @SubscribeMessage('me')
  me(): object {
    return { event: 'me', data: 'reached' };
  }
}

function whoIs(user: Principal | undefined): WhoAmI {
  return { sub: user?.sub ?? null, sid: user?.sid ?? null };
}
