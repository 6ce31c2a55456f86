import {
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  NotFoundException,
  Param,
  Patch,
  Post,
  Put,
  Req,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common';
import { CurrentUser, Fresh, JwtAuthGuard, Public, RefreshService, TokenInterceptor } from 'nestjs-token';
import type { Principal, TokenPair } from 'nestjs-token';
import { UsersService } from './users.service.js';

interface SignInBody {
  readonly name: string;
  readonly password: string;
  readonly device?: string;
  readonly isShared?: boolean;
}

interface ClientRequest {
  readonly ip: string;
  readonly headers: { readonly 'user-agent'?: string };
}

@Controller('account')
@UseGuards(JwtAuthGuard)
@UseInterceptors(TokenInterceptor)
export class AccountController {
  constructor(
    private readonly refresh: RefreshService,
    private readonly users: UsersService,
  ) {}

  @Post('login')
  @Public()
  @HttpCode(200)
  async login(@Body() body: SignInBody, @Req() request: ClientRequest): Promise<TokenPair> {
    const user = await this.users.checkPassword(body.name, body.password);
    return this.refresh.signIn(user.name, {
      claims: { roles: user.roles },
      device: { label: body.device ?? 'Unknown device', ip: request.ip, userAgent: request.headers['user-agent'] ?? '' },
      maxSessions: user.maxDevices,
      ...(body.isShared && { idleLifetime: '1h', absoluteLifetime: '12h' }),
    });
  }

  @Get('devices')
  async devices(@CurrentUser() user: Principal): Promise<object[]> {
    const sessions = await this.refresh.sessions(user.sub);
    return sessions.map(({ sessionId, label, ip, userAgent, lastUsedAt }) => ({
      id: sessionId,
      label,
      ip,
      userAgent,
      lastUsedAt,
      isCurrent: sessionId === user.sid,
    }));
  }

  @Patch('devices/:id')
  @HttpCode(204)
  async rename(@CurrentUser() user: Principal, @Param('id') id: string, @Body() body: { label: string }): Promise<void> {
    const isMine = await this.refresh.update(id, { subject: user.sub, label: body.label });
    if (!isMine) throw new NotFoundException();
  }

  @Delete('devices/:id')
  @HttpCode(204)
  async signOutDevice(@CurrentUser() user: Principal, @Param('id') id: string): Promise<void> {
    await this.refresh.revoke(id, { subject: user.sub, reason: 'user' });
  }

  @Post('reauthenticate')
  @HttpCode(200)
  async reauthenticate(@CurrentUser() user: Principal, @Body() body: { password: string }): Promise<TokenPair> {
    await this.users.checkPassword(user.sub, body.password);
    return this.refresh.reauthenticate(user.sid, { subject: user.sub });
  }

  @Post('password')
  @HttpCode(204)
  @Fresh('5m')
  async changePassword(@CurrentUser() user: Principal, @Body() body: { password: string }): Promise<void> {
    await this.users.change(user.sub, { password: body.password });
    await this.refresh.revokeAll(user.sub, { except: user.sid, reason: 'password' });
  }

  @Put('users/:name/roles')
  @HttpCode(204)
  async changeRoles(@Param('name') name: string, @Body() { roles }: { roles: string[] }): Promise<void> {
    await this.users.change(name, { roles });
    for (const { sessionId } of await this.refresh.sessions(name)) {
      await this.refresh.update(sessionId, { claims: { roles }, now: true });
    }
  }

  @Post('users/:name/disable')
  @HttpCode(204)
  async disable(@Param('name') name: string): Promise<void> {
    await this.users.change(name, { isActive: false });
    await this.refresh.revokeAll(name);
  }

  @Post('devices/:id/recheck')
  @HttpCode(204)
  async recheck(@CurrentUser() user: Principal, @Param('id') id: string): Promise<void> {
    await this.refresh.revokeAccess(id, { subject: user.sub });
  }
}
