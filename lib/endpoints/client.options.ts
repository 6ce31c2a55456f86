import type { KeyObject } from 'node:crypto';
import type { TokenSecret } from '../keys/key.options.js';

/** A confidential client of the endpoints `introspect`, `token` and `revoke` (RFC 6749 §2.1), such as a service that only verifies. */
export interface OAuthClientOptions {
  /**
   * Name of the client (`client_id`). Two entries with one name are two secrets of one client, so that a secret is replaced without an
   * interruption. 1 to 64 of `A–Z a–z 0–9 . _ -`.
   */
  id: string;
  /** Secret of the client. At least 32 bytes. */
  secret: TokenSecret | undefined;
}

/** A client whose options have been checked. */
export interface ResolvedClient {
  readonly id: string;
  readonly secret: KeyObject;
}
