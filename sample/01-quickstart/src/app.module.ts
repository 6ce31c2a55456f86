import { Body, Controller, Get, Headers, HttpCode, Module, Post, UnauthorizedException, UseGuards, UseInterceptors } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { CurrentUser, JwtAuthGuard, type Principal, RefreshService, TokenInterceptor, TokenModule } from 'nestjs-token';
import { LoginDto, UsersService } from './users.service.js'; // your own

@Controller()
@UseInterceptors(TokenInterceptor)
class AppController {
  constructor(
    private readonly users: UsersService,
    private readonly refresh: RefreshService,
  ) {}

  @Post('auth/login') @HttpCode(200) async login(@Body() login: LoginDto) {
    const user = await this.users.checkPassword(login);
    if (!user) throw new UnauthorizedException();
    return this.refresh.signIn(user.id, { claims: { roles: user.roles } });
  }

  @Post('auth/refresh') @HttpCode(200) async rotate(@Headers('X-Refresh-Token') refreshToken: string) {
    return (await this.refresh.rotate(refreshToken)).pair;
  }

  @Post('auth/logout') @HttpCode(204) async logout(@Headers('X-Refresh-Token') refreshToken: string) {
    await this.refresh.signOut(refreshToken);
  }

  @Get('me') @UseGuards(JwtAuthGuard) me(@CurrentUser() user: Principal) {
    return user;
  }
}

@Module({
  imports: [
    TypeOrmModule.forRoot({ type: 'better-sqlite3', database: 'data/app.db', autoLoadEntities: true, synchronize: true }),
    TokenModule.forRoot({ issuer: 'https://api.example.com', secret: process.env.TOKEN_SECRET }),
  ],
  controllers: [AppController],
  providers: [UsersService],
})
export class AppModule {}
