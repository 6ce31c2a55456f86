// The claims of the application, as docs/integration.md shows it. Without the import, TypeScript takes this file for the package itself.
import 'nestjs-token';

declare module 'nestjs-token' {
  interface Principal {
    roles: string[];
  }
}
