import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Logger, Post, UseGuards } from '@nestjs/common';
import type { TokenEvent } from 'nestjs-token';
import {
  AuthInstance,
  InjectRefreshService,
  JwtAuthGuard,
  Public,
  RefreshService,
  RefreshToken,
  RefreshTokenGuard,
  TokenModule,
} from 'nestjs-token';
import { InMemoryTokenRepository } from 'nestjs-token/testing';
import type { TestApp } from '../support/app.js';
import { ADAPTERS, ISSUER, SECRET, startApp } from '../support/app.js';

@Controller('users')
class UserController {
  constructor(private readonly refresh: RefreshService) {}

  @Post('renew')
  async renew(): Promise<void> {
    await this.refresh.rotate('ntr_forged');
  }
}

@Controller('admins')
@AuthInstance('admin')
class AdminController {
  constructor(@InjectRefreshService('admin') private readonly refresh: RefreshService) {}

  @Public()
  @UseGuards(JwtAuthGuard)
  @Post('renew')
  async renew(): Promise<void> {
    await this.refresh.rotate('ntr_forged');
  }

  @UseGuards(RefreshTokenGuard)
  @Post('refresh')
  async rotate(@RefreshToken() token?: string): Promise<void> {
    await this.refresh.rotate(token);
  }
}

describe.each(ADAPTERS)('An error that a handler throws on %s', (adapter) => {
  let running: TestApp;
  afterEach(() => running.close());

  const start = async (names: readonly string[]): Promise<TokenEvent[]> => {
    Logger.overrideLogger(false);
    const events: TokenEvent[] = [];
    const imports = names.map((name) =>
      TokenModule.forRoot({
        ...(name !== 'default' && { name }),
        issuer: ISSUER,
        secret: `${SECRET}-${name}`,
        header: name === 'admin' ? { scheme: 'Admin' } : {},
        repository: InMemoryTokenRepository,
        errorBody: ({ errorCode }) => ({ instance: name, errorCode }),
        onEvent: (event) => void events.push(event),
      }),
    );
    running = await startApp({ adapter, options: null, imports, controllers: [UserController, AdminController] });
    return events;
  };

  it.each([[['default', 'admin']], [['admin', 'default']]])(
    'LG-02 is answered and told by the instance of the route, with the instances in the order %p',
    async (names) => {
      const events = await start(names);
      const routes = [
        ['/users/renew', 'default', 'refresh_invalid'],
        ['/admins/renew', 'admin', 'refresh_invalid'],
        ['/admins/refresh', 'admin', 'refresh_missing'],
      ] as const;
      for (const [path, instance, errorCode] of routes) {
        const answer = await running.call(path, { method: 'POST' });
        expect([answer.status, answer.json()]).toEqual([401, { instance, errorCode }]);
        expect(answer.headers['www-authenticate']).toMatch(instance === 'admin' ? /^Admin/ : /^Bearer/);
        expect(events.splice(0)).toEqual([
          { type: 'access-rejected', realm: instance, at: expect.any(Number) as unknown, code: errorCode },
        ]);
      }
    },
  );
});
