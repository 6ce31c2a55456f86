import { Controller, ForbiddenException, Get, UseGuards } from '@nestjs/common';
import type { Principal } from 'nestjs-token';
import { CurrentUser, JwtAuthGuard, TokenLocations } from 'nestjs-token';

@Controller('reports')
@UseGuards(JwtAuthGuard)
export class ReportsController {
  @Get()
  list(@CurrentUser() user: Principal & { scope?: string }) {
    if (user.scope !== undefined) throw new ForbiddenException();
    return user;
  }

  @Get('latest')
  @TokenLocations({ query: 'access_token' })
  latest(@CurrentUser() user: Principal & { scope?: string }) {
    if (user.scope !== 'download') throw new ForbiddenException();
    return { subject: user.sub };
  }
}
