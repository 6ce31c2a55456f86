import type { IssuingSettings } from '../access-token/access-token.issuer.js';
import { TokenOptionsError } from '../errors/token.errors.js';
import type { DerivedKeyRing } from '../keys/derived-keys.js';
import type { RefreshOptions } from '../session/refresh.options.js';
import type { RotationRules } from '../session/rotation.js';
import { optionReader } from './option-reader.js';
import { REFRESH } from './refresh.schema.js';
import type { RefreshKeyContext } from './resolve-refresh-keys.js';
import { resolveRefreshKeys } from './resolve-refresh-keys.js';

/** Sessions and refresh tokens, resolved. */
export interface ResolvedRefreshOptions {
  readonly ring: DerivedKeyRing;
  readonly rules: RotationRules;
  /** Milliseconds. */
  readonly idleMs: number;
  /** Milliseconds. */
  readonly absoluteMs: number;
  /** The shortest idle lifetime that a session may have, in milliseconds. */
  readonly leastIdleMs: number;
}

/** What the refresh options depend on. */
export interface RefreshContext extends RefreshKeyContext {
  readonly access: IssuingSettings;
}

/** @throws {TokenOptionsError} naming the first option that is wrong. */
export function resolveRefreshOptions(given: RefreshOptions = {}, context: RefreshContext): ResolvedRefreshOptions {
  const refresh = optionReader({ group: 'refresh', schema: REFRESH, given });
  const graceMs = given.grace === undefined ? defaultGrace(refresh('grace'), context) : requireFit(refresh('grace'), context);
  const [idleMs, absoluteMs] = [refresh('idleLifetime'), refresh('absoluteLifetime')];
  const leastIdleMs = leastIdle(graceMs, context);
  requireOrder({ idleMs, absoluteMs, leastIdleMs });
  const rules: RotationRules = {
    graceMs,
    reuse: refresh('reuse'),
    recoverLost: refresh('recoverLost'),
    limit: resolveLimit(given.limit, context),
  };
  return { ring: resolveRefreshKeys(given, context), rules: Object.freeze(rules), idleMs, absoluteMs, leastIdleMs };
}

function defaultGrace(graceMs: number, { access }: RefreshContext): number {
  return Math.min(graceMs, access.lifetimeMs / 8);
}

/** Checks a grace period that was given against the lifetime of the access tokens. */
function requireFit(graceMs: number, { access, warnings }: RefreshContext): number {
  if (graceMs > access.lifetimeMs / 4) throw new TokenOptionsError('refresh.grace', 'is above a quarter of access.lifetime; lower it');
  if (access.jitter * access.lifetimeMs <= 4 * graceMs) {
    warnings.push(
      'refresh.grace: access.jitter × access.lifetime is at most 4 · grace, so a thief may stay in step with the victim for longer; lower the grace',
    );
  }
  return graceMs;
}

/** A client that is in use refreshes when its access token has expired. The session must not have expired by then. */
function leastIdle(graceMs: number, { access: { maxLifetimeMs } }: RefreshContext): number {
  return Math.max(2 * maxLifetimeMs, maxLifetimeMs + 2 * graceMs + 1);
}

type Lifetimes = Pick<ResolvedRefreshOptions, 'idleMs' | 'absoluteMs' | 'leastIdleMs'>;

function requireOrder({ idleMs, absoluteMs, leastIdleMs }: Lifetimes): void {
  if (idleMs < leastIdleMs) {
    throw new TokenOptionsError(
      'refresh.idleLifetime',
      'is below twice the access lifetime, or not above access lifetime + 2 · refresh.grace; raise it',
    );
  }
  if (idleMs > absoluteMs) {
    throw new TokenOptionsError('refresh.idleLifetime', 'is above refresh.absoluteLifetime; lower it or raise the other');
  }
}

/** The default leaves room for four refreshes in each lifetime of an access token, however short that is. */
function resolveLimit(given: RefreshOptions['limit'], { access }: RefreshContext): RotationRules['limit'] {
  if (given === false) return null;
  const { options, default: standard } = REFRESH.limit;
  const limit = optionReader({ group: 'refresh.limit', schema: options, given: given ?? standard });
  const [max, perMs] = [limit('max'), limit('per')];
  return { max: given === undefined ? Math.max(max, Math.ceil((4 * perMs) / access.lifetimeMs)) : max, perMs };
}
