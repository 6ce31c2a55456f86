import type { Duration } from '../duration.js';
import { parseDuration } from '../duration.js';
import type { KeySource } from '../keys/key-source.js';
import { RemoteKeySource } from '../keys/remote-key-source.js';
import { withDeadline } from '../principal/deadline.js';
import type { RevocationList } from '../revocation/revocation-list.js';
import type { PatientStore } from '../session/patient-store.js';

/** What {@link TokenHealthIndicator.isHealthy} tolerates. */
export interface TokenHealthOptions {
  /** Maximum time to wait for the session store. From 1 ms. @defaultValue '1s' */
  timeout?: Duration;
  /**
   * The longest time since this node has last read revocations. A node to which no token is shown reads them every half a minute, so it
   * should be longer than that. From 1 ms. @defaultValue '2m'
   */
  maxLag?: Duration;
}

/** The health of an instance, in the form of `@nestjs/terminus`. */
export type TokenHealth = {
  readonly status: 'up' | 'down';
  /** Why it is down. A constant text. */
  readonly message?: string;
  /** Seconds since the last successful poll for revocations began. Left out if this node does not poll. */
  readonly revocationLagSeconds?: number;
  /** Seconds since the key set of the issuing service was fetched last. Only with `jwks.uri`. */
  readonly keySetAgeSeconds?: number;
};

/** What the indicator asks. */
export interface HealthPorts {
  readonly keys: KeySource;
  /** Null if the instance has no sessions. */
  readonly store: PatientStore | null;
  /** Null if the instance has no sessions. */
  readonly revocations: RevocationList | null;
}

/** No session has this id. */
const NO_SESSION = '00000000-0000-8000-8000-000000000000';

/**
 * Tells whether an instance can do its work: whether the session store responds, whether this node knows recent revocations, and whether
 * there are keys that verify access tokens. It returns what health indicators of `@nestjs/terminus` 11 and 12 return, and does not need
 * that package. Inject it by its class. For a named instance, use {@link InjectTokenHealthIndicator}.
 *
 * @example
 * ```ts
 * @Public()
 * @Get('health')
 * @HealthCheck()
 * check() {
 *   return this.health.check([() => this.tokens.isHealthy('tokens')]);
 * }
 * ```
 */
export class TokenHealthIndicator {
  /**
   * @param name name of the instance.
   * @internal
   */
  constructor(
    private readonly name: string,
    private readonly ports: HealthPorts,
  ) {}

  /**
   * Checks the instance. It sends one tiny query by primary key to the store. An instance that only verifies has no store, and is up if it
   * has keys. Never rejects because something is down.
   * @param key the name under which the result is reported.
   * @throws {TypeError} rejects with it if an option is no duration of at least 1 ms.
   */
  async isHealthy<const Key extends string>(key: Key, options: TokenHealthOptions = {}): Promise<Record<Key, TokenHealth>> {
    const { timeout = '1s', maxLag = '2m' } = options;
    const [timeoutMs, maxLagMs] = [spanOf('timeout', timeout), spanOf('maxLag', maxLag)];
    const message = await this.problem(timeoutMs, maxLagMs);
    const status = message === null ? { status: 'up' as const } : { status: 'down' as const, message };
    return { [key]: { ...status, ...this.details() } } as Record<Key, TokenHealth>;
  }

  private async problem(timeoutMs: number, maxLagMs: number): Promise<string | null> {
    const { keys, store, revocations } = this.ports;
    if (keys.all.length === 0) return 'there is no key that verifies access tokens';
    if (store && !(await this.responds(store, timeoutMs))) return 'the session store does not respond';
    if ((revocations?.ageMs ?? 0) > maxLagMs) return 'revocations have not been read for too long';
    return null;
  }

  private async responds(store: PatientStore, timeoutMs: number): Promise<boolean> {
    const late = (): Error => new Error('the store took too long');
    try {
      const key = { realm: this.name, id: NO_SESSION };
      await withDeadline(
        store.ask((repository) => repository.find(key)),
        timeoutMs,
        late,
      );
      return true;
    } catch {
      return false;
    }
  }

  private details(): Omit<TokenHealth, 'status'> {
    const { keys, revocations } = this.ports;
    const lagMs = revocations?.ageMs ?? null;
    const ageMs = keys instanceof RemoteKeySource ? keys.ageMs : null;
    return {
      ...(lagMs !== null && { revocationLagSeconds: lagMs / 1_000 }),
      ...(ageMs !== null && { keySetAgeSeconds: ageMs / 1_000 }),
    };
  }
}

function spanOf(name: string, given: Duration): number {
  const span = parseDuration(given);
  if (!(span >= 1)) throw new TypeError(`${name}: not a duration of at least 1 ms`);
  return span;
}
