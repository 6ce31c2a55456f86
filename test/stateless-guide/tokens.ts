import { ConfigModule, ConfigService } from '@nestjs/config';
import type { DynamicModule } from '@nestjs/common';
import { TokenModule } from 'nestjs-token';

const issuer = 'https://api.example.com';

export const tokens = (): DynamicModule =>
  TokenModule.forRoot({
    issuer,
    secret: process.env.TOKEN_SECRET,
    sessions: false,
  });

export const fromConfig = (): DynamicModule =>
  TokenModule.forRootAsync({
    stateless: true,
    imports: [ConfigModule],
    inject: [ConfigService],
    useFactory: (config: ConfigService) => ({ issuer, secret: config.getOrThrow('TOKEN_SECRET') }),
  });

export const sliding = (): DynamicModule =>
  TokenModule.forRoot({
    issuer,
    secret: process.env.TOKEN_SECRET,
    sessions: false,
    transport: 'cookie',
    access: { lifetime: '30m', sliding: { absoluteLifetime: '8h' } },
  });
