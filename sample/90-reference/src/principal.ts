import 'nestjs-token';

declare module 'nestjs-token' {
  /** What this application adds to the caller: the claims that it gives to `signIn`. */
  interface Principal {
    readonly roles: readonly string[];
  }
}
