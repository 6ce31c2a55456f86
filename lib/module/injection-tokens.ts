import { Inject } from '@nestjs/common';
import { AccessTokenService } from '../access-token/access-token.service.js';
import { DEFAULT_REALM } from '../keys/key-ring.js';
import { TokenTransport } from '../transport/token-transport.js';
import { RefreshService } from '../session/refresh.service.js';

/** Injection token of the composed parts of a module instance. Internal to the package. */
export const tokenInstanceToken = (name: string = DEFAULT_REALM): string => `nestjs-token:TokenInstance:${name}`;

/** Injection token of the {@link RefreshService} of a module instance: the class for the one without a name, text for a named one. */
export const refreshServiceToken = (name: string = DEFAULT_REALM): typeof RefreshService | string =>
  name === DEFAULT_REALM ? RefreshService : `nestjs-token:RefreshService:${name}`;

/** Injection token of the {@link AccessTokenService} of a module instance. */
export const accessTokenServiceToken = (name: string = DEFAULT_REALM): typeof AccessTokenService | string =>
  name === DEFAULT_REALM ? AccessTokenService : `nestjs-token:AccessTokenService:${name}`;

/** Injection token of the {@link TokenTransport} of a module instance. */
export const tokenTransportToken = (name: string = DEFAULT_REALM): typeof TokenTransport | string =>
  name === DEFAULT_REALM ? TokenTransport : `nestjs-token:TokenTransport:${name}`;

/** Parameter decorator: the {@link RefreshService} of the instance with this name. */
export const InjectRefreshService = (name?: string): ParameterDecorator & PropertyDecorator => Inject(refreshServiceToken(name));

/** Parameter decorator: the {@link AccessTokenService} of the instance with this name. */
export const InjectAccessTokenService = (name?: string): ParameterDecorator & PropertyDecorator => Inject(accessTokenServiceToken(name));

/** Parameter decorator: the {@link TokenTransport} of the instance with this name. */
export const InjectTokenTransport = (name?: string): ParameterDecorator & PropertyDecorator => Inject(tokenTransportToken(name));
