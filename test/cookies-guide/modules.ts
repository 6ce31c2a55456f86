import type { DynamicModule } from '@nestjs/common';
import { TokenModule } from 'nestjs-token';

const issuer = 'https://api.example.com';

export const cookies = (): DynamicModule =>
  TokenModule.forRoot({
    issuer,
    secret: process.env.TOKEN_SECRET,
    transport: 'cookie',
    cookie: { insecure: process.env.NODE_ENV === 'development' },
  });

export const serverRendered = (): DynamicModule =>
  TokenModule.forRoot({
    issuer,
    secret: process.env.TOKEN_SECRET,
    transport: 'cookie',
    cookie: { sameSite: { refresh: 'lax' } },
  });

export const onSubdomain = (): DynamicModule =>
  TokenModule.forRoot({
    issuer,
    secret: process.env.TOKEN_SECRET,
    transport: 'cookie',
    csrf: { origins: 'https://app.example.com' },
  });
