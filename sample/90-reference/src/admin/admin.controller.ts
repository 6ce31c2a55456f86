import { Controller, Get, HttpCode, NotFoundException, Param, Post, UseGuards } from '@nestjs/common';
import type { Principal } from 'nestjs-token';
import { CurrentUser, JwtAuthGuard } from 'nestjs-token';
import { AccountsService } from '../accounts/accounts.service.js';
import { AdminGuard } from './admin.guard.js';

@Controller('admin')
@UseGuards(JwtAuthGuard, AdminGuard)
export class AdminController {
  constructor(private readonly accounts: AccountsService) {}

  @Get()
  welcome(@CurrentUser() user: Principal): { welcome: string } {
    return { welcome: user.sub };
  }

  /** Disables a user: every request is refused from now on, and the next refresh ends the session. */
  @Post('users/:name/disable')
  @HttpCode(204)
  disable(@Param('name') name: string): void {
    if (!this.accounts.disable(name)) throw new NotFoundException('there is no such user');
  }
}
