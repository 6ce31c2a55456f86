import {
  Body,
  Controller,
  Get,
  HttpCode,
  Inject,
  Module,
  Param,
  Post,
  UnauthorizedException,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common';
import type { ClientProxy } from '@nestjs/microservices';
import { ClientsModule, Transport } from '@nestjs/microservices';
import { TypeOrmModule } from '@nestjs/typeorm';
import type { TokenPair } from 'nestjs-token';
import { AccessToken, JwtAuthGuard, RefreshService, TokenInterceptor, TokenModule } from 'nestjs-token';
import { generateKeyPairSync } from 'node:crypto';
import type { Observable } from 'rxjs';
import { catchError, throwError } from 'rxjs';
import { toHttpException } from './message-failure.js';

const REPORTS = 'REPORTS';

@Controller('auth')
class AuthController {
  constructor(private readonly refresh: RefreshService) {}

  /** The check of the password is yours. The quick start has one. */
  @Post('login')
  @HttpCode(200)
  @UseInterceptors(TokenInterceptor)
  login(@Body() { username, password }: { username?: unknown; password?: unknown } = {}): Promise<TokenPair> {
    if (username !== 'alice' || password !== 'correct horse battery staple') throw new UnauthorizedException();
    return this.refresh.signIn(username);
  }
}

/** Calls the microservice in the name of the user. After a refresh inside the request, `@AccessToken()` is the new token. */
@Controller('reports')
@UseGuards(JwtAuthGuard)
class ReportsController {
  constructor(@Inject(REPORTS) private readonly reports: ClientProxy) {}

  @Get(':month')
  list(@Param('month') month: string, @AccessToken() accessToken: string): Observable<object> {
    return this.reports
      .send<object>('reports.list', { month, accessToken })
      .pipe(catchError((error: unknown) => throwError(() => toHttpException(error))));
  }

  @Post(':month/opened')
  @HttpCode(202)
  open(@Param('month') month: string, @AccessToken() accessToken: string): void {
    this.reports.emit('reports.opened', { month, accessToken });
  }
}

/** Signs users in, refreshes their tokens, publishes its public keys, and calls the microservice. */
@Module({
  imports: [
    TypeOrmModule.forRoot({ type: 'better-sqlite3', database: ':memory:', autoLoadEntities: true, synchronize: true }),
    TokenModule.forRoot({
      issuer: 'https://api.example.com',
      audience: ['gateway', 'reports'],
      // A key of its own for each start is enough, because the sessions of this sample are in memory too.
      keys: [{ algorithm: 'EdDSA', key: generateKeyPairSync('ed25519').privateKey, use: 'sign' }],
      refresh: { secret: process.env.TOKEN_SECRET },
      endpoints: { jwks: true },
    }),
    ClientsModule.register([
      { name: REPORTS, transport: Transport.TCP, options: { host: '127.0.0.1', port: Number(process.env.REPORTS_PORT ?? 3002) } },
    ]),
  ],
  controllers: [AuthController, ReportsController],
})
export class GatewayModule {}
