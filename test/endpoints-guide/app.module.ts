import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { TokenModule } from 'nestjs-token';

@Module({
  imports: [
    TypeOrmModule.forRoot({ type: 'better-sqlite3', database: ':memory:', autoLoadEntities: true, synchronize: true }),
    TokenModule.forRootAsync({
      useFactory: () => ({
        issuer: process.env['ISSUER'],
        secret: process.env['TOKEN_SECRET'],
        clients: [{ id: 'reports', secret: process.env['REPORTS_SECRET'] }],
      }),
      endpoints: {
        path: 'auth',
        token: true,
        revoke: true,
        introspect: true,
        logout: true,
        logoutAll: true,
        sessions: true,
        metadata: true,
      },
    }),
  ],
})
export class AppModule {}
