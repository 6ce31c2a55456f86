import type {
  AccessOptions,
  CookieOptions,
  CsrfOptions,
  Duration,
  EndpointOptions,
  HeaderOptions,
  OAuthClientOptions,
  RefreshOptions,
  SessionsOptions,
  TokenModuleExtras,
  TokenModuleOptions,
} from 'nestjs-token';
import { Injectable } from '@nestjs/common';
import { TokenModule } from 'nestjs-token';
import type { Equal } from './equal.js';
import { holds } from './equal.js';

// The smallest configuration, and a variable of the environment that may be missing: that refuses to start and names the option.
TokenModule.forRoot({ issuer: 'https://shop.test', secret: process.env.TOKEN_SECRET });
TokenModule.forRoot({ issuer: process.env.ISSUER, secret: process.env.TOKEN_SECRET, globalGuard: true, name: 'admin' });
// A function, or a function whose result is kept.
TokenModule.forRoot({ issuer: 'https://shop.test', loadUser: (subject) => ({ subject }) });
TokenModule.forRoot({ issuer: 'https://shop.test', loadUser: { load: async (subject) => ({ subject }), cacheFor: '1m' } });
TokenModule.forRoot({
  issuer: 'https://shop.test',
  clients: [{ id: 'reports', secret: process.env.REPORTS_SECRET }],
  endpoints: { path: 'auth', token: true, introspect: true, metadata: true, decorators: [Injectable()] },
});
// @ts-expect-error a client has a secret
TokenModule.forRoot({ issuer: 'https://shop.test', clients: [{ id: 'reports' }] });
// @ts-expect-error a user that is kept is kept for a span
TokenModule.forRoot({ issuer: 'https://shop.test', loadUser: { load: () => null } });

// @ts-expect-error the issuer is required
TokenModule.forRoot({ secret: process.env.TOKEN_SECRET });
// @ts-expect-error an option that is spelt wrong
TokenModule.forRoot({ issuer: 'https://shop.test', secrets: 'x' });
// @ts-expect-error an option that is spelt wrong inside a group
TokenModule.forRoot({ issuer: 'https://shop.test', access: { ttl: '15m' } });
// @ts-expect-error a transport that this version does not know
TokenModule.forRoot({ issuer: 'https://shop.test', transport: 'query' });
// @ts-expect-error no algorithm accepts an unsigned token
TokenModule.forRoot({ issuer: 'https://shop.test', keys: [{ algorithm: 'none', key: 'x', use: 'sign' }] });
// @ts-expect-error a repository is a class that extends TokenRepository
TokenModule.forRoot({ issuer: 'https://shop.test', repository: class NoRepository {} });

export const durations: Duration[] = [900, 0, '250ms', '30s', '15m', '12h', '90d', '100ms', '3650d'];
export const computed: Duration[] = [`${Number('15')}m` as Duration, 15 * 60];

// @ts-expect-error text without a unit: libraries disagree whether it means seconds or milliseconds
export const withoutUnit: Duration = '900';
// @ts-expect-error a unit that does not exist
export const unknownUnit: Duration = '15min';
// @ts-expect-error a space before the unit
export const withASpace: Duration = '15 m';
// @ts-expect-error a space before the number
export const spaceBefore: Duration = ' 15m';
// @ts-expect-error a fraction
export const fraction: Duration = '1.5h';
// @ts-expect-error a negative span
export const negative: Duration = '-5m';
// @ts-expect-error the number 0 is the only span of no length
export const noSpan: Duration = '0s';
// @ts-expect-error a leading zero
export const leadingZero: Duration = '05m';
// @ts-expect-error an exponent
export const exponent: Duration = '1e3s';
// @ts-expect-error a hexadecimal number
export const hexadecimal: Duration = '0x10s';
// @ts-expect-error a unit without a number
export const unitOnly: Duration = 'm';
// @ts-expect-error a duration in an option is checked in the same way
export const inOption: AccessOptions = { lifetime: '900' };
export const stateless: TokenModuleOptions = { issuer: 'https://api.example.com', sessions: false, access: { sliding: true } };
export const sliding: AccessOptions = { sliding: { absoluteLifetime: '8h' } };
// @ts-expect-error sessions are enabled by their options, or by leaving them out
export const sessionsOn: TokenModuleOptions = { issuer: 'https://api.example.com', sessions: true };
// @ts-expect-error the absolute lifetime needs its unit
export const slidingText: AccessOptions = { sliding: { absoluteLifetime: '8' } };
// @ts-expect-error a limit has both a number and a span
export const halfALimit: RefreshOptions = { limit: { max: 60 } };

// Exactly these keys. A key that is added or removed here changes docs/reference/options.md too.
holds<
  Equal<
    keyof TokenModuleOptions,
    | 'access'
    | 'audience'
    | 'claims'
    | 'clients'
    | 'cookie'
    | 'csrf'
    | 'errorBody'
    | 'header'
    | 'hookTimeout'
    | 'introspection'
    | 'issuer'
    | 'janitor'
    | 'jwks'
    | 'keys'
    | 'legacy'
    | 'loadUser'
    | 'locations'
    | 'onEvent'
    | 'preparedStatements'
    | 'push'
    | 'refresh'
    | 'revocation'
    | 'rpc'
    | 'secret'
    | 'sessions'
    | 'signer'
    | 'storeTimeout'
    | 'telemetry'
    | 'transport'
    | 'websocket'
  >
>();
holds<
  Equal<
    keyof TokenModuleExtras,
    'dataSource' | 'endpoints' | 'globalGuard' | 'isGlobal' | 'name' | 'passportStrategy' | 'repository' | 'stateless' | 'verifyOnly'
  >
>();
holds<Equal<keyof AccessOptions, 'cache' | 'jitter' | 'leeway' | 'lifetime' | 'maxLifetime' | 'sliding'>>();
holds<Equal<keyof RefreshOptions, 'absoluteLifetime' | 'grace' | 'idleLifetime' | 'keys' | 'limit' | 'recoverLost' | 'reuse' | 'secret'>>();
holds<Equal<keyof SessionsOptions, 'max' | 'onLimit' | 'trackUse'>>();
holds<Equal<keyof HeaderOptions, 'access' | 'expiresIn' | 'refresh' | 'scheme'>>();
holds<
  Equal<keyof CookieOptions, 'access' | 'csrf' | 'domain' | 'insecure' | 'partitioned' | 'path' | 'persistent' | 'refresh' | 'sameSite'>
>();
holds<
  Equal<
    keyof EndpointOptions,
    'decorators' | 'introspect' | 'jwks' | 'logout' | 'logoutAll' | 'metadata' | 'path' | 'requireClient' | 'revoke' | 'sessions' | 'token'
  >
>();
holds<Equal<keyof OAuthClientOptions, 'id' | 'secret'>>();
holds<Equal<keyof CsrfOptions, 'header' | 'mode' | 'origins' | 'secret' | 'trustSameSite'>>();
