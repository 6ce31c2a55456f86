import { Injectable } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import { compare } from 'bcryptjs';
import type { LegacyAccess, LegacySession } from 'nestjs-token';
import { OLD_ACCESS_SECRET, OLD_REFRESH_SECRET } from './old-secrets.js'; // your own
import { UsersService } from './users.service.js'; // your own

interface OldClaims {
  sub: string;
  exp: number;
  roles: string[];
}

@Injectable()
export class OldTokens {
  constructor(
    private readonly jwt: JwtService,
    private readonly users: UsersService,
  ) {}

  async verify(token: string): Promise<LegacyAccess | null> {
    const { sub, exp, roles } = await this.jwt.verifyAsync<OldClaims>(token, { secret: OLD_ACCESS_SECRET, algorithms: ['HS256'] });
    return { subject: sub, claims: { roles }, expiresAt: exp * 1000 };
  }

  async exchange(token: string): Promise<LegacySession | null> {
    const { sub } = await this.jwt.verifyAsync<OldClaims>(token, { secret: OLD_REFRESH_SECRET, algorithms: ['HS256'] });
    const user = this.users.find(sub);
    if (!user?.refreshTokenHash || !(await compare(token, user.refreshTokenHash))) return null;
    return { subject: user.id, claims: { roles: user.roles } };
  }
}
