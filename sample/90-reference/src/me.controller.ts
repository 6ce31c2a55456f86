import { Controller, Get, UseGuards } from '@nestjs/common';
import type { Principal } from 'nestjs-token';
import { CurrentUser, Fresh, JwtAuthGuard, OptionalAuth, Public } from 'nestjs-token';

/** Four kinds of routes behind one guard: guarded, optional, public, and one for users who have entered their password lately. */
@Controller()
@UseGuards(JwtAuthGuard)
export class MeController {
  @Get('me')
  me(@CurrentUser() user: Principal): Principal {
    return user;
  }

  @Get('vault')
  @Fresh('1m')
  vault(@CurrentUser('sub') owner: string): { owner: string } {
    return { owner };
  }

  @Get('optional')
  @OptionalAuth()
  optional(@CurrentUser() user: Principal | undefined): Principal | { anonymous: true } {
    return user ?? { anonymous: true };
  }

  @Get('public')
  @Public()
  open(): { public: true } {
    return { public: true };
  }
}
