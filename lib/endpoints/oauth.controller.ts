import type { Type } from '@nestjs/common';
import { Controller, Inject, Post, Res, VERSION_NEUTRAL } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { AuthInstance, Public } from '../nest/decorators.js';
import type { RequestContext } from '../nest/request-context.js';
import { rawResponseOf } from '../transport/response-tokens.js';
import type { OAuthEndpoint } from './oauth-endpoint.js';
import { OperationContext } from './operation-context.js';

/** Where a controller of an endpoint stands. */
export interface ControllerPlace {
  /** Name of the instance. */
  readonly instance: string;
  /** The whole path, without the global prefix of the application. */
  readonly path: string;
}

/**
 * Makes the controller of an OAuth endpoint. It writes its responses itself, because their form is that of the RFCs: no interceptor of the
 * application wraps them, and no filter changes them.
 * @param endpoint the injection token of the {@link OAuthEndpoint}.
 */
export function oauthController(endpoint: string, { instance, path }: ControllerPlace): Type {
  @Public()
  @AuthInstance(instance)
  @Controller({ path, version: VERSION_NEUTRAL })
  class OAuthController {
    constructor(
      @Inject(endpoint) private readonly endpoint: OAuthEndpoint,
      @Inject(HttpAdapterHost) private readonly host: HttpAdapterHost,
    ) {}

    @Post()
    async respond(@Res() response: object, @OperationContext() context: RequestContext): Promise<void> {
      const { status, headers, body } = await this.endpoint.handle(context);
      if (rawResponseOf(response).headersSent) return;
      const { httpAdapter } = this.host;
      for (const [name, value] of Object.entries(headers)) httpAdapter.setHeader(response, name, value);
      httpAdapter.reply(response, body, status);
    }
  }
  return OAuthController;
}
