import type { Principal } from 'nestjs-token';
import { CurrentUser } from 'nestjs-token';
import type { Equal } from './equal.js';
import { holds } from './equal.js';

declare module 'nestjs-token' {
  interface Principal {
    roles: string[];
  }
  interface PrincipalUser {
    id: string;
  }
}

export function read(principal: Principal): void {
  holds<Equal<typeof principal.roles, string[]>>();
  holds<Equal<NonNullable<typeof principal.user>['id'], string>>();
  holds<Equal<typeof principal.sub, string>>();
  holds<Equal<typeof principal.auth_time, number | undefined>>();
  // @ts-expect-error a claim that nobody has declared
  read(principal.tenant);
  // @ts-expect-error claims come from a signature and are not assigned
  principal.sub = 'somebody else';
}

export class Routes {
  own(@CurrentUser() user: Principal, @CurrentUser('roles') roles: string[], @CurrentUser('sub') subject: string): unknown {
    return [user, roles, subject];
  }
  // @ts-expect-error a field that the principal does not have
  misspelt(@CurrentUser('rolls') roles: string[]): unknown {
    return roles;
  }
}
