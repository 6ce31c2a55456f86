import type { Type } from '@nestjs/common';
import type { EndpointOptions } from '../endpoints/endpoint.options.js';
import type { TokenRepository } from '../session/token-repository.js';

/** Options that change what the module consists of. They are needed when the module is declared, so they cannot come from a factory. */
export interface TokenModuleExtras {
  /** Whether all modules of the application can inject the services. @defaultValue true */
  isGlobal?: boolean;
  /**
   * Whether `JwtAuthGuard` guards every route that is not marked with `@Public()`. It runs before all guards of `APP_GUARD` and of
   * `useGlobalGuards`, whatever the order of modules, so that those see `request.user`. Override `JwtAuthGuard` in tests with
   * `overrideProvider(JwtAuthGuard)`. Nest 11 applies no global guards to WebSocket gateways, and no version applies them to a
   * microservice that is connected without `inheritAppConfig`. Bind the guard with `@UseGuards(JwtAuthGuard)` there.
   * @defaultValue false
   */
  globalGuard?: boolean;
  /**
   * Name of the instance, for an application with several of them. It is stored with each session and takes part in the derivation of all
   * keys. 1 to 64 of `A–Z a–z 0–9 . _ -`.
   * @defaultValue 'default'
   */
  name?: string;
  /** Name of the TypeORM DataSource that stores the sessions. @defaultValue TypeORM's default */
  dataSource?: string;
  /**
   * Stores the sessions instead of TypeORM: your own class, which passes the contract suite of `nestjs-token/testing`. Its constructor may
   * inject.
   * @defaultValue `TypeOrmTokenRepository`
   */
  repository?: Type<TokenRepository>;
  /**
   * Registers the strategy with passport under this name too, so that routes on `AuthGuard('jwt')` keep working. The application refuses
   * to start when it has a strategy of that name, or when another application of this process has registered its own.
   * @defaultValue none
   */
  passportStrategy?: string;
  /**
   * Whether the instance only verifies access tokens, with the keys of the option `jwks`. `forRoot` sees this option itself. With
   * `forRootAsync`, write `verifyOnly: true` next to the factory.
   * @defaultValue false
   */
  verifyOnly?: boolean;
  /**
   * Whether the instance has no sessions (`sessions: false`): it issues access tokens, and stores nothing. `forRoot` sees `sessions: false`
   * itself. With `forRootAsync`, write `stateless: true` next to the factory.
   * @defaultValue false
   */
  stateless?: boolean;
  /** Routes that the module adds to the application. What needs a secret is in the option `clients`, which may come from a factory. */
  endpoints?: EndpointOptions;
}
