import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { Injectable } from '@nestjs/common';
import type { TokenRequest } from 'nestjs-token';

/** Lets administrators pass; the others get a 403. Comes after `JwtAuthGuard`, which says who is calling. */
@Injectable()
export class AdminGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { user } = context.switchToHttp().getRequest<TokenRequest>();
    return user?.roles.includes('admin') ?? false;
  }
}
