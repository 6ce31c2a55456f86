import type { JsonWebKey } from 'node:crypto';
import type { Duration } from '../duration.js';

/** Where a service that only verifies access tokens finds the public keys of the service that issues them. Give `uri` or `document`. */
export interface JwksOptions {
  /** Address of the key set, such as `https://auth.example.com/.well-known/jwks.json`. Only `https`, except for this machine. */
  uri?: string;
  /**
   * The key set itself, as an object or as its JSON text, if it does not change while the service runs. Each of its keys must be usable.
   */
  document?: string | { readonly keys: readonly JsonWebKey[] };
  /**
   * How long fetched keys are used before they are fetched again. A key that is no longer published is refused after this time. From 1 s to
   * 1 day.
   * @defaultValue '10m'
   */
  maxAge?: Duration;
  /**
   * Minimum time between two fetches because of a token with an unknown `kid`, so that invented tokens cause no load on the key server.
   * Also the time between two attempts while the key server is unavailable. From 1 s to 1 h.
   * @defaultValue '30s'
   */
  cooldown?: Duration;
  /** Maximum time to wait for the key server. From 100 ms to 30 s. @defaultValue '5s' */
  timeout?: Duration;
  /** Maximum size of the key set in bytes. From 1,024 to 10,485,760. @defaultValue 262_144 */
  maxBytes?: number;
  /** Allows `http`, for key servers inside a network that is protected in another way. @defaultValue false */
  allowHttp?: boolean;
}
