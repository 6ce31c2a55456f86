import type { Duration } from '../duration.js';

/** How a service that only verifies asks the service that issues tokens whether one has been revoked (RFC 7662). */
export interface IntrospectionOptions {
  /** Address of the introspection endpoint. Only `https`, except for this machine. */
  uri: string;
  /** Name by which this service is known at the endpoint. */
  clientId: string;
  /** Secret of this service at the endpoint. Both are sent with HTTP Basic authentication (RFC 6749 §2.3.1). */
  clientSecret: string | undefined;
  /**
   * How long a response is used for further requests with the same token. For this long a revoked token may still be accepted. `0` asks on
   * every request. From 0 s to 5 min.
   * @defaultValue '5s'
   */
  cacheFor?: Duration;
  /** Maximum time to wait for the endpoint. After that the response is 503. From 100 ms to 30 s. @defaultValue '2s' */
  timeout?: Duration;
  /** Allows `http`, for endpoints inside a network that is protected in another way. @defaultValue false */
  allowHttp?: boolean;
}
