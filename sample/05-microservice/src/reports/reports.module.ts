import { Controller, Module, UseGuards } from '@nestjs/common';
import { EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import { CurrentUser, JwtAuthGuard, TokenModule } from 'nestjs-token';

/** What the gateway sends. The access token is not among it: the guard has taken it out. */
interface ReportQuery {
  readonly month: string;
}

@Controller()
@UseGuards(JwtAuthGuard)
class ReportsController {
  /** How often each user has opened a report. */
  private readonly opened = new Map<string, number>();

  @MessagePattern('reports.list')
  list(@Payload() { month }: ReportQuery, @CurrentUser('sub') subject: string): object {
    return { reports: [`the report of ${month} for ${subject}`], opened: this.opened.get(subject) ?? 0 };
  }

  @EventPattern('reports.opened')
  note(@CurrentUser('sub') subject: string): void {
    this.opened.set(subject, (this.opened.get(subject) ?? 0) + 1);
  }
}

/** A microservice without a database and without a secret. It verifies the access tokens of messages with the public keys of the gateway. */
@Module({
  imports: [
    TokenModule.forRoot({
      issuer: 'https://api.example.com',
      audience: 'reports',
      jwks: { uri: `${process.env.GATEWAY ?? 'http://127.0.0.1:3000'}/.well-known/jwks.json` },
      // TCP has no headers.
      rpc: { field: 'accessToken' },
    }),
  ],
  controllers: [ReportsController],
})
export class ReportsModule {}
