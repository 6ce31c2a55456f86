import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { ResolvedClient } from './client.options.js';
import { OAuthError } from './oauth-error.js';
import type { Parameters } from './parameters.js';

/** What a client says of itself. */
interface Presented {
  readonly id: string;
  /** The secret, in each way in which it may be meant. */
  readonly secrets: readonly string[];
}

/** The clients of an instance, and the check of their secrets (RFC 6749 §2.3.1). */
export class ClientRegistry {
  /** SHA-256 of the secrets of each client. They are kept out of `inspect()`. */
  readonly #digests = new Map<string, readonly Buffer[]>();
  /** What the secret of an unknown client is compared with. */
  readonly #nobody: readonly Buffer[] = [randomBytes(32)];

  constructor(clients: readonly ResolvedClient[]) {
    for (const { id, secret } of clients) this.#digests.set(id, [...(this.#digests.get(id) ?? []), digestOf(secret.export())]);
  }

  /**
   * Checks the client of a request.
   * @param authorization the header `Authorization`. A scheme other than `Basic` does not concern the client.
   * @param required whether the client must authenticate. A client that has a secret here must always do so.
   * @throws {OAuthError} `invalid_client` if it does not authenticate although it must, or if the name or the secret is wrong, and
   * `invalid_request` if it does so in two ways.
   */
  authenticate(authorization: string | undefined, parameters: Parameters, required: boolean): void {
    const presented = presentedClient(authorization, parameters);
    if (presented ? !this.knows(presented) : required || this.#digests.has(parameters.get('client_id') ?? '')) {
      throw new OAuthError('invalid_client', 'client authentication failed');
    }
  }

  /** Compares all secrets, whatever the result of the first comparison is. */
  private knows({ id, secrets }: Presented): boolean {
    const known = this.#digests.get(id) ?? this.#nobody;
    const digests = secrets.map(digestOf);
    const matches = known.flatMap((right) => digests.map((digest) => timingSafeEqual(right, digest)));
    return matches.includes(true);
  }
}

function presentedClient(authorization: string | undefined, parameters: Parameters): Presented | null {
  const [, basic] = /^basic +(\S+) *$/i.exec(authorization ?? '') ?? [];
  const [id, secret] = [parameters.get('client_id'), parameters.get('client_secret')];
  if (basic === undefined) return secret === undefined ? null : { id: id ?? '', secrets: [secret] };
  const client = basicClient(basic);
  if (secret !== undefined || (id !== undefined && id !== client.id)) {
    throw new OAuthError('invalid_request', 'the client is named in two ways');
  }
  return client;
}

/** RFC 6749 §2.3.1 encodes both as form values before they are joined. Many clients do not, so a secret also counts as it is written. */
function basicClient(credentials: string): Presented {
  const [, id = '', secret = ''] = /^([^:]*):(.*)$/s.exec(Buffer.from(credentials, 'base64').toString()) ?? [];
  return { id: formDecoded(id), secrets: [secret, formDecoded(secret)] };
}

function formDecoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text;
  }
}

function digestOf(secret: string | Buffer): Buffer {
  return createHash('sha256').update(secret).digest();
}
