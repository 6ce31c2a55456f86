import { Controller, ForbiddenException, Get, HttpCode, Module, Post, UseGuards } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { CurrentUser, Fresh, JwtAuthGuard, type Principal, RefreshService, TokenModule } from 'nestjs-token';

@Controller()
@UseGuards(JwtAuthGuard)
export class AppController {
  constructor(private readonly refresh: RefreshService) {}

  @Get('me')
  me(@CurrentUser('sub') name: string) {
    return { name };
  }

  @Get('editors')
  editors(@CurrentUser() user: Principal & { roles?: string[] }) {
    if (!user.roles?.includes('editor')) throw new ForbiddenException();
    return 'for editors';
  }

  @Fresh('5m')
  @Post('logout/everywhere')
  @HttpCode(204)
  logout(@CurrentUser('sub') name: string) {
    return this.refresh.revokeAll(name, { reason: 'user' });
  }
}

@Module({
  imports: [
    TypeOrmModule.forRoot({ type: 'better-sqlite3', database: 'data/app.db', autoLoadEntities: true }),
    TokenModule.forRoot({ issuer: 'https://api.example.com', secret: 'a secret of this example, 8f1c0e5b7d2a4936' }),
  ],
  controllers: [AppController],
})
export class AppModule {}
