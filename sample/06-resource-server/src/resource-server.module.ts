import { Controller, Get, Module, UseGuards } from '@nestjs/common';
import { CurrentUser, JwtAuthGuard, TokenModule } from 'nestjs-token';

const AUTH_SERVER = process.env.AUTH_SERVER ?? 'http://127.0.0.1:3001';

@Controller('reports')
@UseGuards(JwtAuthGuard)
class ReportsController {
  @Get()
  list(@CurrentUser('sub') subject: string): object {
    return { reports: [`a report for ${subject}`] };
  }
}

/** A service without a database, without sessions and without a secret. It verifies access tokens with the keys of the auth server. */
@Module({
  imports: [
    TokenModule.forRoot({
      issuer: 'https://auth.example.com',
      audience: 'reports',
      jwks: { uri: `${AUTH_SERVER}/.well-known/jwks.json` },
    }),
  ],
  controllers: [ReportsController],
})
export class ResourceServerModule {}
