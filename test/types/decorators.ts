import type { Principal, SessionInfo } from 'nestjs-token';
import {
  AccessTokenService,
  AuthInstance,
  CurrentSession,
  CurrentUser,
  Fresh,
  InjectAccessTokenService,
  InjectRefreshService,
  OptionalAuth,
  Protected,
  Public,
  RefreshService,
} from 'nestjs-token';

@Public()
@AuthInstance('admin')
export class OpenRoutes {
  @InjectAccessTokenService() readonly tokens!: AccessTokenService;

  constructor(@InjectRefreshService('admin') readonly sessions: RefreshService) {}

  @Protected() closed(@CurrentUser() user: Principal): string {
    return user.sub;
  }

  @OptionalAuth() maybe(@CurrentUser() user?: Principal): string | undefined {
    return user?.sub;
  }

  @Fresh('10m') recent(@CurrentSession() session: SessionInfo): string | undefined {
    return session.sessionId;
  }

  @Fresh(600) recentInSeconds(): void {}
}

export class Mistakes {
  // @ts-expect-error text without a unit
  @Fresh('600') withoutUnit(): void {}

  // @ts-expect-error how recent is part of the question
  @Fresh() withoutAge(): void {}

  // @ts-expect-error an instance has a name
  @AuthInstance() withoutName(): void {}

  // @ts-expect-error Public takes no arguments
  @Public('GET') withArgument(): void {}

  // @ts-expect-error CurrentUser stands on a parameter
  @CurrentUser() onMethod(): void {}

  // @ts-expect-error a decorator factory is called
  @Public uncalled(): void {}
}
