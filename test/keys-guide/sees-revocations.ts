import type { DynamicModule } from '@nestjs/common';
import { TokenModule } from 'nestjs-token';

/** The module of a service that only verifies, and asks about revocations. */
export function seesRevocations(authServer: string): DynamicModule {
  return TokenModule.forRoot({
    issuer: 'https://auth.example.com',
    audience: 'reports',
    jwks: { uri: `${authServer}/.well-known/jwks.json` },
    introspection: { uri: `${authServer}/auth/introspect`, clientId: 'reports', clientSecret: process.env.CLIENT_SECRET },
  });
}
