import type { FactoryProvider } from '@nestjs/common';
import { Scope } from '@nestjs/common';
import { TokenOptionsError } from '../errors/token.errors.js';

/** A text that is the injection token of a value of a type. */
export type TypedToken<T> = string & { readonly provides?: T };

type Class = abstract new (...args: never[]) => unknown;
/** What Nest's container holds for an injection token: an instance of the class, or the value that belongs to a text. */
type Provided<Token> = Token extends abstract new (...args: never[]) => infer Instance
  ? Instance
  : Token extends TypedToken<infer Value>
    ? Value
    : never;

/** The factory of a value, and what it takes. */
interface Recipe<Tokens extends readonly (Class | string)[], T> {
  readonly inject: Tokens;
  readonly useFactory: (...injected: { [Index in keyof Tokens]: Provided<Tokens[Index]> }) => T;
}

/** Returns a provider. The compiler checks that its factory takes what its injection tokens stand for. */
export function provide<const Tokens extends readonly (Class | string)[], T>(
  token: Class | string,
  { inject, useFactory }: Recipe<Tokens, T>,
): FactoryProvider<T> {
  return { provide: token, inject: [...inject], useFactory: useFactory as (...injected: unknown[]) => T };
}

/**
 * Returns a provider that stands for a service that an instance of this kind does not have. It refuses to be injected. A transient provider
 * is made only where it is injected, so the application starts unless something asks for the service.
 * @param option the option that decides, for the error.
 */
export function withoutService(token: Class | string, option: string, reason: string): FactoryProvider {
  const useFactory = (): never => {
    throw new TokenOptionsError(option, reason);
  };
  return { ...provide(token, { inject: [], useFactory }), scope: Scope.TRANSIENT };
}
