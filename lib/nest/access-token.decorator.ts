import type { ExecutionContext, PipeTransform } from '@nestjs/common';
import { createParamDecorator, Inject, Injectable } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { callerOf } from './callers.js';
import { contextOf } from './contexts.js';
import { RoutePolicies } from './route-policy.js';

/** Carries the context of an operation past the pipes of the application, which find nothing in it to validate or to change. */
class Operation {
  readonly #host: ExecutionContext;

  constructor(host: ExecutionContext) {
    this.#host = host;
  }

  get host(): ExecutionContext {
    return this.#host;
  }
}

/** Finds the access token. It is a pipe, because Nest gives a decorator nothing that it could look up the module instance with. */
@Injectable()
class AccessTokenPipe implements PipeTransform<Operation, Promise<string | undefined>> {
  @Inject(ModuleRef)
  private readonly moduleRef!: ModuleRef;
  private policies: RoutePolicies | undefined;

  async transform({ host }: Operation): Promise<string | undefined> {
    if (callerOf(host) === undefined) return undefined;
    this.policies ??= new RoutePolicies(this.moduleRef);
    const { instance, locations } = this.policies.of(host);
    const context = contextOf(host);
    return instance.accessTokenOf(context, instance.locationsOf(context, locations));
  }
}

const OperationOf = createParamDecorator((_: unknown, host: ExecutionContext) => new Operation(host));

/**
 * Parameter decorator. Gives the access token with which the guard of the route has admitted the caller, to pass it on to another service.
 * After a refresh inside the request, it is the new one. Gives `undefined` for an anonymous caller, and on a route without a guard.
 *
 * @example
 * ```ts
 * @Get('reports') @UseGuards(JwtAuthGuard)
 * list(@AccessToken() accessToken: string) { return this.client.send('reports.list', { accessToken }); }
 * ```
 */
export const AccessToken = (): ParameterDecorator => OperationOf(AccessTokenPipe);
