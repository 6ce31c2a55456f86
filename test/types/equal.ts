/* eslint-disable @typescript-eslint/no-unnecessary-type-parameters -- a type parameter is how types are compared */

/** true where two types are the same, not merely assignable to each other. */
export type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** Compiles for `true` only: `holds<Equal<A, B>>()`. */
export declare function holds<T extends true>(): T;
