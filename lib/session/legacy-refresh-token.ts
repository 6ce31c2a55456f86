import { legacyDigest, mayBeLegacyToken } from '../keys/legacy-token.js';
import type { DecodedRefreshToken } from './refresh-token.codec.js';
import { sessionIdOf } from './refresh-token.codec.js';

/** The instance that a refresh token of another system is presented to. */
export interface LegacyContext {
  readonly issuer: string;
  /** Name of the instance. */
  readonly name: string;
}

/**
 * A refresh token of another system. It counts as the token at position (0, 0) of the session whose secret is derived from it. So one token
 * never has two sessions, and everything that holds for the first refresh token of a session holds for it.
 */
export class LegacyRefreshToken implements DecodedRefreshToken {
  readonly generation = 0;
  readonly branch = 0;
  readonly secret: Buffer;
  readonly sessionId: string;
  readonly #text: string;

  private constructor(text: string, { issuer, name }: LegacyContext) {
    this.#text = text;
    this.secret = legacyDigest(text, 'session', issuer, name);
    this.sessionId = sessionIdOf(this.secret);
  }

  /** Returns null if the text cannot be a refresh token of another system. */
  static from(text: string, context: LegacyContext): LegacyRefreshToken | null {
    return mayBeLegacyToken(text) ? new LegacyRefreshToken(text, context) : null;
  }

  /** The token itself, for the hook that checks it. */
  get text(): string {
    return this.#text;
  }
}
