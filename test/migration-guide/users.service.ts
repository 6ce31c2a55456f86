import { Injectable } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import { hash } from 'bcryptjs';
import { OLD_ACCESS_SECRET, OLD_REFRESH_SECRET } from './old-secrets.js';

export interface User {
  readonly id: string;
  readonly roles: string[];
  /** The bcrypt hash of the last refresh token, or null after a sign-out. */
  refreshTokenHash: string | null;
}

/** The old application: its users, and how it issues tokens. */
@Injectable()
export class UsersService {
  private readonly users = new Map<string, User>();

  constructor(private readonly jwt: JwtService) {}

  find(id: string): User | undefined {
    return this.users.get(id);
  }

  checkPassword(id: string): User {
    const user = this.find(id) ?? { id, roles: ['member'], refreshTokenHash: null };
    this.users.set(id, user);
    return user;
  }

  async issueOldTokens(id: string, { accessLifetime = 900 } = {}): Promise<{ accessToken: string; refreshToken: string }> {
    const user = this.checkPassword(id);
    const accessToken = await this.jwt.signAsync({ sub: id, roles: user.roles }, { secret: OLD_ACCESS_SECRET, expiresIn: accessLifetime });
    const refreshToken = await this.jwt.signAsync({ sub: id }, { secret: OLD_REFRESH_SECRET, expiresIn: '7d' });
    user.refreshTokenHash = await hash(refreshToken, 4);
    return { accessToken, refreshToken };
  }

  async refreshOldTokens(token: string): Promise<{ accessToken: string; refreshToken: string }> {
    const { sub } = await this.jwt.verifyAsync<{ sub: string }>(token, { secret: OLD_REFRESH_SECRET });
    return this.issueOldTokens(sub);
  }
}
