import type { Type } from '@nestjs/common';
import {
  Controller,
  Delete,
  Get,
  Header,
  HttpCode,
  Inject,
  Param,
  Post,
  Query,
  UseGuards,
  UseInterceptors,
  VERSION_NEUTRAL,
} from '@nestjs/common';
import { CurrentUser } from '../nest/current-user.decorator.js';
import { AuthInstance, ClearTokens, Protected, Public } from '../nest/decorators.js';
import { JwtAuthGuard } from '../nest/jwt-auth.guard.js';
import { RefreshToken, RefreshTokenGuard } from '../nest/refresh-token.guard.js';
import type { RequestContext } from '../nest/request-context.js';
import { TokenInterceptor } from '../nest/token.interceptor.js';
import type { Principal } from '../principal/principal.js';
import type { ControllerPlace } from './oauth.controller.js';
import { OperationContext } from './operation-context.js';
import type { SessionEndpoints } from './session-endpoints.js';
import type { SessionList } from './session-page.js';

/** Injection token of the {@link SessionEndpoints}. */
export const SESSION_ENDPOINTS = 'nestjs-token:SessionEndpoints';

/** Makes the controller of `POST logout`. Its route needs no access token, so that a client can sign out at any time. */
export function logoutController({ instance, path }: ControllerPlace): Type {
  @Public()
  @AuthInstance(instance)
  @UseInterceptors(TokenInterceptor)
  @Controller({ path, version: VERSION_NEUTRAL })
  class LogoutController {
    constructor(@Inject(SESSION_ENDPOINTS) private readonly endpoints: SessionEndpoints) {}

    @Post()
    @HttpCode(204)
    @ClearTokens()
    @UseGuards(RefreshTokenGuard)
    async logout(@OperationContext() context: RequestContext, @RefreshToken() token?: string): Promise<void> {
      await this.endpoints.signOut(context, token);
    }
  }
  return LogoutController;
}

/** Makes the controller of `POST logout-all`. */
export function logoutAllController({ instance, path }: ControllerPlace): Type {
  @Protected()
  @AuthInstance(instance)
  @UseInterceptors(TokenInterceptor)
  @Controller({ path, version: VERSION_NEUTRAL })
  class LogoutAllController {
    constructor(@Inject(SESSION_ENDPOINTS) private readonly endpoints: SessionEndpoints) {}

    @Post()
    @HttpCode(204)
    @ClearTokens()
    @UseGuards(JwtAuthGuard)
    async logoutAll(@CurrentUser() user: Principal): Promise<void> {
      await this.endpoints.signOutEverywhere(user);
    }
  }
  return LogoutAllController;
}

/** Makes the controller of `GET sessions` and `DELETE sessions/:id`. */
export function sessionsController({ instance, path }: ControllerPlace): Type {
  @Protected()
  @AuthInstance(instance)
  @UseInterceptors(TokenInterceptor)
  @Controller({ path, version: VERSION_NEUTRAL })
  class SessionsController {
    constructor(@Inject(SESSION_ENDPOINTS) private readonly endpoints: SessionEndpoints) {}

    @Get()
    @Header('Cache-Control', 'no-store')
    @UseGuards(JwtAuthGuard)
    async list(@CurrentUser() user: Principal, @Query() query: unknown): Promise<SessionList> {
      return this.endpoints.list(user, query);
    }

    @Delete(':id')
    @HttpCode(204)
    @UseGuards(JwtAuthGuard)
    async end(@Param('id') id: string, @CurrentUser() user: Principal, @OperationContext() context: RequestContext): Promise<void> {
      await this.endpoints.end(id, user, context);
    }
  }
  return SessionsController;
}
