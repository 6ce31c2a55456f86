import { Body, Controller, HttpCode, Post, UnauthorizedException, UseGuards, UseInterceptors } from '@nestjs/common';
import { ClearTokens, RefreshService, RefreshToken, RefreshTokenGuard, TokenInterceptor } from 'nestjs-token';
import { LoginDto, UsersService } from './users.service.js'; // your own

@Controller('auth')
@UseInterceptors(TokenInterceptor)
export class AuthController {
  constructor(
    private readonly users: UsersService,
    private readonly refresh: RefreshService,
  ) {}

  @Post('login')
  @HttpCode(200)
  async login(@Body() login: LoginDto) {
    const user = await this.users.checkPassword(login);
    if (!user) throw new UnauthorizedException();
    return this.refresh.signIn(user.id, { persistent: login.remember === true });
  }

  @Post('refresh')
  @HttpCode(200)
  @UseGuards(RefreshTokenGuard)
  async renew(@RefreshToken() token?: string) {
    return (await this.refresh.rotate(token)).pair;
  }

  @Post('logout')
  @HttpCode(204)
  @ClearTokens()
  @UseGuards(RefreshTokenGuard)
  async logout(@RefreshToken() token?: string) {
    await this.refresh.signOut(token);
  }
}
