import { Injectable } from '@nestjs/common';

export class LoginDto {
  username?: string;
  password?: string;
  remember?: boolean;
}

/** Knows one user. */
@Injectable()
export class UsersService {
  checkPassword({ username, password }: LoginDto): Promise<{ id: string } | null> {
    return Promise.resolve(username === 'alice' && password === 'secret' ? { id: 'alice' } : null);
  }
}
