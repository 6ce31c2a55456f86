import { Injectable } from '@nestjs/common';
import type { TokenModuleOptions, TokenOptionsFactory } from 'nestjs-token';
import { TokenModule } from 'nestjs-token';

@Injectable()
class Settings {
  readonly issuer = 'https://shop.test';
}

@Injectable()
class Factory implements TokenOptionsFactory {
  createTokenOptions(): TokenModuleOptions {
    return { issuer: 'https://shop.test', secret: process.env.TOKEN_SECRET };
  }
}

TokenModule.forRootAsync({
  inject: [Settings],
  useFactory: (settings: Settings) => ({ issuer: settings.issuer, secret: process.env.TOKEN_SECRET }),
});
TokenModule.forRootAsync({ useFactory: () => Promise.resolve({ issuer: 'https://shop.test' }) });
TokenModule.forRootAsync({ useClass: Factory, globalGuard: true, name: 'admin' });
TokenModule.forRootAsync({ useExisting: Factory, passportStrategy: 'jwt' });

// @ts-expect-error the options of a factory are checked as those of forRoot are
TokenModule.forRootAsync({ useFactory: () => ({ issuer: 'https://shop.test', access: { lifetime: '900' } }) });
// @ts-expect-error a factory gives an issuer
TokenModule.forRootAsync({ useFactory: () => ({ secret: process.env.TOKEN_SECRET }) });
// @ts-expect-error the switches stand beside the factory, because Nest reads them before it calls the factory
TokenModule.forRootAsync({ useFactory: (): TokenModuleOptions => ({ issuer: 'https://shop.test', globalGuard: true }) });
// @ts-expect-error a class that makes no options
TokenModule.forRootAsync({ useClass: Settings });
// @ts-expect-error an option of the module in the place of a factory
TokenModule.forRootAsync({ issuer: 'https://shop.test' });
