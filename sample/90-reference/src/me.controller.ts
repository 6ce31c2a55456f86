import { Controller, Get, UseGuards } from '@nestjs/common';
import type { Principal } from 'nestjs-token';
import { CurrentUser, JwtAuthGuard, OptionalAuth, Public } from 'nestjs-token';

/** Three kinds of routes behind one guard: guarded, optional and public. */
@Controller()
@UseGuards(JwtAuthGuard)
export class MeController {
  @Get('me')
  me(@CurrentUser() user: Principal): Principal {
    return user;
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
