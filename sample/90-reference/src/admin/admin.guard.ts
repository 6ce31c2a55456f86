import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { Injectable } from '@nestjs/common';
import type { TokenRequest } from 'nestjs-token';

/** Lets administrators pass and refuses everyone else with 403. List it after `JwtAuthGuard`, which sets `request.user`. */
@Injectable()
export class AdminGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { user } = context.switchToHttp().getRequest<TokenRequest>();
    return user?.roles.includes('admin') ?? false;
  }
}
