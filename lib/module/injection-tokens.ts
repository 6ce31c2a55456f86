import { Inject } from '@nestjs/common';
import { AccessTokenService } from '../access-token/access-token.service.js';
import { DEFAULT_NAME } from '../keys/key-ring.js';
import type { ResolvedTokenOptions } from '../options/resolve-options.js';
import type { RevocationHints } from '../revocation/revocation-hints.js';
import { RefreshService } from '../session/refresh.service.js';
import { TokenTransport } from '../transport/token-transport.js';
import type { TypedToken } from './provide.js';

/** Injection token of the options of an instance, checked and with their defaults. */
export const RESOLVED_OPTIONS: TypedToken<ResolvedTokenOptions> = 'nestjs-token:ResolvedTokenOptions';

/** Injection token of what the push channel is reached through; null: there is no push channel. */
export const REVOCATION_HINTS: TypedToken<RevocationHints | null> = 'nestjs-token:RevocationHints';

/** Injection token of the {@link RefreshService} of an instance: the class for the one without a name, a text for a named one. */
export const refreshServiceToken = (name: string = DEFAULT_NAME): typeof RefreshService | TypedToken<RefreshService> =>
  name === DEFAULT_NAME ? RefreshService : `nestjs-token:RefreshService:${name}`;

/** Injection token of the {@link AccessTokenService} of an instance. */
export const accessTokenServiceToken = (name: string = DEFAULT_NAME): typeof AccessTokenService | TypedToken<AccessTokenService> =>
  name === DEFAULT_NAME ? AccessTokenService : `nestjs-token:AccessTokenService:${name}`;

/** Injection token of the {@link TokenTransport} of an instance. */
export const tokenTransportToken = (name: string = DEFAULT_NAME): typeof TokenTransport | TypedToken<TokenTransport> =>
  name === DEFAULT_NAME ? TokenTransport : `nestjs-token:TokenTransport:${name}`;

/** Parameter decorator: the {@link RefreshService} of the instance with this name. */
export const InjectRefreshService = (name?: string): ParameterDecorator & PropertyDecorator => Inject(refreshServiceToken(name));

/** Parameter decorator: the {@link AccessTokenService} of the instance with this name. */
export const InjectAccessTokenService = (name?: string): ParameterDecorator & PropertyDecorator => Inject(accessTokenServiceToken(name));

/** Parameter decorator: the {@link TokenTransport} of the instance with this name. */
export const InjectTokenTransport = (name?: string): ParameterDecorator & PropertyDecorator => Inject(tokenTransportToken(name));
