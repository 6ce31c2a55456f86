import { Controller, Get, UseGuards } from '@nestjs/common';
import { CurrentUser, JwtAuthGuard, type Principal } from 'nestjs-token';

@Controller()
@UseGuards(JwtAuthGuard)
export class MeController {
  @Get('me')
  me(@CurrentUser() user: Principal): Principal {
    return user;
  }
}
