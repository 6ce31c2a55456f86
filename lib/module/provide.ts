import type { FactoryProvider } from '@nestjs/common';

/** A text that stands for a value of a type in Nest's container. */
export type TypedToken<T> = string & { readonly provides?: T };

type Class = abstract new (...args: never[]) => unknown;
/** What Nest's container has for a token: an instance of the class, or the value that a text stands for. */
type Provided<Token> = Token extends abstract new (...args: never[]) => infer Instance
  ? Instance
  : Token extends TypedToken<infer Value>
    ? Value
    : never;

/** How a value is made, and from what. */
interface Recipe<Tokens extends readonly (Class | string)[], T> {
  readonly inject: Tokens;
  readonly useFactory: (...injected: { [Index in keyof Tokens]: Provided<Tokens[Index]> }) => T;
}

/** A provider whose factory gets what its tokens stand for, checked by the compiler. */
export function provide<const Tokens extends readonly (Class | string)[], T>(
  token: Class | string,
  { inject, useFactory }: Recipe<Tokens, T>,
): FactoryProvider<T> {
  return { provide: token, inject: [...inject], useFactory: useFactory as (...injected: unknown[]) => T };
}
