import { ConfigurableModuleBuilder } from '@nestjs/common';
import type { TokenModuleExtras } from '../options/extras.options.js';
import type { TokenModuleOptions } from '../options/token.options.js';

const EXTRAS: TokenModuleExtras = {
  isGlobal: true,
  globalGuard: false,
  name: undefined as never,
  dataSource: undefined as never,
  repository: undefined as never,
  passportStrategy: undefined as never,
};

export const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN, OPTIONS_TYPE, ASYNC_OPTIONS_TYPE } =
  new ConfigurableModuleBuilder<TokenModuleOptions>({ moduleName: 'Token' })
    .setClassMethodName('forRoot')
    .setFactoryMethodName('createTokenOptions')
    .setExtras(EXTRAS, (definition) => definition)
    .build();

/** A class that makes the options: `useClass` and `useExisting` of `TokenModule.forRootAsync`. */
export interface TokenOptionsFactory {
  createTokenOptions(): Promise<TokenModuleOptions> | TokenModuleOptions;
}

/** What {@link TokenModule.forRoot} takes. */
export type TokenModuleRootOptions = TokenModuleOptions & TokenModuleExtras;

/** What {@link TokenModule.forRootAsync} takes: the extras, and one of `useFactory`, `useClass`, `useExisting`. */
export type TokenModuleAsyncOptions = typeof ASYNC_OPTIONS_TYPE;
