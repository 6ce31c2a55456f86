import type { ExecutionContext } from '@nestjs/common';
import { Injectable } from '@nestjs/common';
import type { Principal, TokenError } from 'nestjs-token';
import { JwtAuthGuard, SessionRevoked, TokenRevoked } from 'nestjs-token';

/** Makes signing out idempotent: it lets a request pass whose session has already ended. */
@Injectable()
export class SignOutGuard extends JwtAuthGuard {
  override handleRequest<User = Principal>(
    error: Error | null,
    user: Principal | false | null,
    info: TokenError | undefined,
    context: ExecutionContext,
  ): User | Promise<User> {
    const hasEnded = info instanceof TokenRevoked || info instanceof SessionRevoked;
    return hasEnded ? (null as User) : super.handleRequest(error, user, info, context);
  }
}
