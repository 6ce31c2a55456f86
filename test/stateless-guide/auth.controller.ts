import { Body, Controller, HttpCode, Post, UnauthorizedException, UseGuards, UseInterceptors } from '@nestjs/common';
import { ClearTokens, RefreshTokenGuard, SignInService, TokenInterceptor } from 'nestjs-token';
import { LoginDto, UsersService } from './users.service.js'; // your own

@Controller('auth')
@UseInterceptors(TokenInterceptor)
export class AuthController {
  constructor(
    private readonly users: UsersService,
    private readonly signIns: SignInService,
  ) {}

  @Post('login')
  @HttpCode(200)
  @UseGuards(RefreshTokenGuard)
  async login(@Body() login: LoginDto) {
    const user = await this.users.checkPassword(login);
    if (!user) throw new UnauthorizedException();
    return this.signIns.signIn(user.id, { claims: { roles: user.roles } });
  }

  @Post('logout')
  @HttpCode(204)
  @ClearTokens()
  @UseGuards(RefreshTokenGuard)
  logout() {}
}
