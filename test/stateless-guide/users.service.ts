import { Injectable } from '@nestjs/common';

export class LoginDto {
  username?: string;
  password?: string;
}

/** Knows one user. */
@Injectable()
export class UsersService {
  checkPassword({ username, password }: LoginDto): Promise<{ id: string; roles: string[] } | null> {
    return Promise.resolve(username === 'alice' && password === 'secret' ? { id: 'alice', roles: ['editor'] } : null);
  }
}
