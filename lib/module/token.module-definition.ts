import { ConfigurableModuleBuilder } from '@nestjs/common';
import type { TokenModuleExtras } from '../options/extras.options.js';
import { EXTRAS } from '../options/extras.schema.js';
import type { TokenModuleOptions } from '../options/token.options.js';

/**
 * The builder keeps these keys out of the options. Their values do not matter, because the module takes its extras from `requireExtras`.
 */
const extras = Object.fromEntries(Object.keys(EXTRAS).map((key) => [key, undefined])) as TokenModuleExtras;

export const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN, OPTIONS_TYPE, ASYNC_OPTIONS_TYPE } =
  new ConfigurableModuleBuilder<TokenModuleOptions>({ moduleName: 'Token' })
    .setClassMethodName('forRoot')
    .setFactoryMethodName('createTokenOptions')
    .setExtras(extras, (definition) => definition)
    .build();

/**
 * A class that creates the options, for `useClass` and `useExisting` of `TokenModule.forRootAsync`.
 *
 * @example
 * ```ts
 * @Injectable()
 * export class TokenOptions implements TokenOptionsFactory {
 *   constructor(private readonly config: ConfigService) {}
 *
 *   createTokenOptions(): TokenModuleOptions {
 *     return { issuer: 'https://api.example.com', secret: this.config.getOrThrow('TOKEN_SECRET') };
 *   }
 * }
 * ```
 */
export interface TokenOptionsFactory {
  /** Called once, while the application starts. */
  createTokenOptions(): Promise<TokenModuleOptions> | TokenModuleOptions;
}

/** What {@link TokenModule.forRoot} takes. */
export type TokenModuleRootOptions = TokenModuleOptions & TokenModuleExtras;

/** What {@link TokenModule.forRootAsync} takes: the extras, and one of `useFactory`, `useClass` and `useExisting`. */
export type TokenModuleAsyncOptions = typeof ASYNC_OPTIONS_TYPE;
