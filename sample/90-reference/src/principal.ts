import 'nestjs-token';

declare module 'nestjs-token' {
  /** Adds the claims that this application gives to `signIn` to the type of `request.user`. */
  interface Principal {
    readonly roles: readonly string[];
  }
}
