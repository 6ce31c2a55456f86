import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { Injectable, Module, SetMetadata } from '@nestjs/common';
import { APP_GUARD, Reflector } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import { TokenModule } from 'nestjs-token';

/** A guard that the application had before. */
@Injectable()
export class OwnGuard implements CanActivate {
  constructor(private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext): boolean {
    return this.reflector.getAllAndOverride<boolean | undefined>('isPublic', [context.getHandler(), context.getClass()]) === true;
  }
}

@Module({
  imports: [
    TypeOrmModule.forRoot({ type: 'better-sqlite3', database: ':memory:', autoLoadEntities: true, synchronize: true }),
    TokenModule.forRootAsync({
      useFactory: () => ({ issuer: 'https://api.example.com', secret: process.env['TOKEN_SECRET'] }),
      endpoints: { token: true, sessions: true, decorators: [SetMetadata('isPublic', true)] },
    }),
  ],
  providers: [{ provide: APP_GUARD, useClass: OwnGuard }],
})
export class GuardsModule {}
