import type { Type } from '@nestjs/common';
import type { TokenRepository } from '../session/token-repository.js';

/** Switches that change what a module consists of: known when it is declared, never from a factory. */
export interface TokenModuleExtras {
  /** Whether the services are there for all modules. @defaultValue true */
  isGlobal?: boolean;
  /**
   * Whether `JwtAuthGuard` guards every route that is not marked with `@Public()`. It runs before all guards of `APP_GUARD` and of
   * `useGlobalGuards`, whatever the order of modules, so that those see `request.user`. Override `JwtAuthGuard` in tests with
   * `overrideProvider(JwtAuthGuard)`. Nest 11 applies no global guards to WebSocket gateways, and no version applies them to a
   * microservice that is connected without `inheritAppConfig`: bind the guard with `@UseGuards(JwtAuthGuard)` there.
   * @defaultValue false
   */
  globalGuard?: boolean;
  /** Name of the instance, 1 to 64 of `A–Z a–z 0–9 . _ -`: its realm in the rows and in all key derivations. @defaultValue 'default' */
  name?: string;
  /** Name of the TypeORM DataSource that holds the sessions. @defaultValue TypeORM's default */
  dataSource?: string;
  /** A store of your own instead of TypeORM: a class that passes the contract suite of `nestjs-token/testing`. Its constructor may inject. */
  repository?: Type<TokenRepository>;
  /**
   * Registers the strategy with passport under this name too, so that routes on `AuthGuard('jwt')` keep working. The application refuses
   * to start when it has a strategy of that name, or when another application of this process has registered its own.
   */
  passportStrategy?: string;
}
