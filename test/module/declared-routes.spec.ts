import { describe, expect, it } from '@jest/globals';
import type { ExecutionContext, Type } from '@nestjs/common';
import { Controller, Get, Injectable, Scope, UseGuards } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import type { TokenModuleRootOptions } from 'nestjs-token';
import {
  AuthInstance,
  Fresh,
  JwtAuthGuard,
  OptionalAuth,
  Protected,
  Public,
  RefreshService,
  TokenModule,
  TokenOptionsError,
} from 'nestjs-token';
import { InMemoryTokenRepository } from 'nestjs-token/testing';
import type { AppSetup } from '../support/app.js';
import { ADAPTERS, bearing, ISSUER, SECRET, startApp } from '../support/app.js';

@Injectable()
class OwnGuard extends JwtAuthGuard {
  protected override getRequest(context: ExecutionContext): ReturnType<JwtAuthGuard['getRequest']> {
    return super.getRequest(context);
  }
}

const named = (name: string): ReturnType<typeof TokenModule.forRoot> => TokenModule.forRoot({ ...options(), name });
const options = (): TokenModuleRootOptions => ({ issuer: ISSUER, secret: SECRET, repository: InMemoryTokenRepository });

/** The message with which an application refuses to start, or 'started'. */
async function start(setup: AppSetup): Promise<string> {
  try {
    await (await startApp({ controllers: [], ...setup })).close();
    return 'started';
  } catch (error) {
    if (error instanceof TokenOptionsError) return error.message;
    throw error;
  }
}

describe('@Public() on a class', () => {
  @Controller('open')
  @Public()
  class Open {
    @Get()
    index(): string {
      return 'open';
    }
  }
  @Controller('sub')
  @UseGuards(JwtAuthGuard)
  class Sub extends Open {
    @Get('own')
    own(): string {
      return 'own';
    }
  }
  @Controller('mixed')
  @Public()
  @UseGuards(JwtAuthGuard)
  class Mixed {
    @Get('open')
    open(): string {
      return 'open';
    }

    @Get('closed')
    @Protected()
    closed(): string {
      return 'closed';
    }

    @Get('fresh')
    @Protected()
    @Fresh('5m')
    fresh(): string {
      return 'fresh';
    }
  }
  @Controller('again')
  @Protected()
  @UseGuards(JwtAuthGuard)
  class Again extends Mixed {}

  class Base {
    @Get('health')
    @Public()
    health(): string {
      return 'well';
    }
  }
  @Controller('inherits')
  @UseGuards(JwtAuthGuard)
  class Inherits extends Base {}

  it.each(ADAPTERS)('opens its own routes only, and neither subclasses nor methods with @Protected() on %s (F-15)', async (adapter) => {
    const running = await startApp({ adapter, controllers: [Open, Sub, Mixed, Again, Inherits] });
    const pair = await running.app.get(RefreshService).signIn('alice');
    const paths = [
      '/open',
      '/sub',
      '/sub/own',
      '/mixed/open',
      '/mixed/closed',
      '/mixed/fresh',
      '/again/open',
      '/again/closed',
      '/inherits/health',
    ];
    const statuses = async (headers: Record<string, string>) =>
      Promise.all(paths.map(async (path) => `${path} ${(await running.call(path, { headers })).status}`));
    const [anonymous, alice] = [await statuses({}), await statuses(bearing(pair))];
    await running.close();
    expect(anonymous).toEqual([
      '/open 200',
      '/sub 401',
      '/sub/own 401',
      '/mixed/open 200',
      '/mixed/closed 401',
      '/mixed/fresh 401',
      '/again/open 401',
      '/again/closed 401',
      '/inherits/health 200',
    ]);
    expect(alice).toEqual(paths.map((path) => `${path} 200`));
  });

  it('keeps open what @OptionalAuth() and @Protected() do not touch, and starts (F-15)', async () => {
    @Controller()
    @Public()
    class Sound {
      @Get('optional')
      @OptionalAuth()
      @UseGuards(JwtAuthGuard)
      optional(): void {}

      @Get('protected')
      @Protected()
      @UseGuards(OwnGuard)
      protected(): void {}
    }
    expect(await start({ controllers: [Sound] })).toBe('started');
  });

  describe('that contradicts a method', () => {
    @Controller()
    @Public()
    class WithFresh {
      @Get()
      @Fresh('5m')
      payout(): void {}
    }
    @Controller()
    @Public()
    class WithGuard {
      @Get()
      @UseGuards(JwtAuthGuard)
      payout(): void {}
    }
    @Controller()
    @Public()
    class WithOwnGuard {
      @Get()
      @UseGuards(OwnGuard)
      payout(): void {}
    }
    @Controller()
    @Public()
    class WithGuardInstance {
      @Get()
      @UseGuards(new OwnGuard())
      payout(): void {}
    }
    @Injectable({ scope: Scope.REQUEST })
    @Public()
    class ScopedResolver {
      @Fresh('5m')
      payout(): void {}
    }
    class Payouts {
      @Get()
      @Fresh('5m')
      payout(): void {}
    }
    @Controller()
    @Public()
    class Inheriting extends Payouts {}

    it.each<[Type, setup: AppSetup, because: string]>([
      [WithFresh, { controllers: [WithFresh] }, '@Fresh()'],
      [WithGuard, { controllers: [WithGuard] }, '@UseGuards(JwtAuthGuard)'],
      [WithOwnGuard, { controllers: [WithOwnGuard] }, '@UseGuards(JwtAuthGuard)'],
      [WithGuardInstance, { controllers: [WithGuardInstance] }, '@UseGuards(JwtAuthGuard)'],
      [ScopedResolver, { providers: [ScopedResolver] }, '@Fresh()'],
      [Inheriting, { controllers: [Inheriting] }, '@Fresh()'],
    ])('refuses to start: %p (F-15)', async ({ name }, setup, because) => {
      expect(await start(setup)).toBe(
        `@Public(): opens ${name}.payout in spite of its ${because}: mark the method with @Protected(), or remove @Public() from the class`,
      );
    });
  });

  it('refuses to start when both are on one method (F-15)', async () => {
    @Controller()
    class Both {
      @Get()
      @Public()
      @Fresh('5m')
      payout(): void {}
    }
    expect(await start({ controllers: [Both] })).toBe(
      '@Public(): opens Both.payout in spite of its @Fresh(): remove one of the two from the method',
    );
  });
});

describe('@AuthInstance()', () => {
  @Controller('one')
  class OnMethod {
    @Get()
    @AuthInstance('adimn')
    list(): void {}
  }
  @Controller('two')
  @AuthInstance('adimn')
  class OnClass {
    @Get()
    list(): void {}
  }
  @Controller('three')
  class OnBaseClass extends OnClass {}
  @Injectable({ scope: Scope.REQUEST })
  class OnProvider {
    @AuthInstance('adimn')
    list(): void {}
  }

  it.each<[where: string, setup: AppSetup]>([
    ['OnMethod.list', { controllers: [OnMethod] }],
    ['OnClass', { controllers: [OnClass] }],
    ['OnBaseClass', { controllers: [OnBaseClass] }],
    ['OnProvider.list', { providers: [OnProvider] }],
    ['OnProvider.list', { providers: [{ provide: 'resolver', useFactory: () => new OnProvider() }] }],
  ])('refuses to start with a name that no module has: %s (F-34)', async (where, setup) => {
    expect(await start({ ...setup, imports: [named('admin')] })).toBe(
      `name: no TokenModule is named 'adimn', which @AuthInstance() on ${where} asks for: import TokenModule with that name, or take one of 'default', 'admin'`,
    );
  });
});

describe('JwtAuthGuard without a TokenModule of the default instance', () => {
  const remedy = "import TokenModule without a name, or mark the route with @AuthInstance() and one of 'admin'";
  const message = (where: string) => `name: no TokenModule is named 'default', which JwtAuthGuard on ${where} asks for: ${remedy}`;
  @Controller('class')
  @UseGuards(OwnGuard)
  class OnClass {
    @Get()
    list(): string {
      return this.sorted();
    }

    @Get('admin')
    @AuthInstance('admin')
    admin(): string {
      return this.sorted();
    }

    sorted(): string {
      return 'sorted';
    }
  }
  @Controller('method')
  class OnMethod {
    @Get()
    @UseGuards(JwtAuthGuard)
    list(): void {}
  }
  @Controller('plain')
  class Plain {
    @Get()
    list(): void {}
  }
  @Controller('named')
  @AuthInstance('admin')
  @UseGuards(JwtAuthGuard)
  class Named extends Plain {}

  it.each<[where: string, setup: AppSetup]>([
    ['OnClass.list', { controllers: [OnClass] }],
    ['OnMethod.list', { controllers: [OnMethod] }],
    ['Plain.list', { controllers: [Plain], providers: [{ provide: APP_GUARD, useClass: JwtAuthGuard }] }],
  ])('refuses to start: %s (F-34)', async (where, setup) => {
    expect(await start({ options: null, imports: [named('admin')], ...setup })).toBe(message(where));
  });

  it('starts where every guarded route names its instance (F-34)', async () => {
    expect(await start({ options: null, imports: [named('admin')], controllers: [Named, Plain] })).toBe('started');
  });
});
