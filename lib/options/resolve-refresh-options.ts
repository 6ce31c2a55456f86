import type { KeyObject } from 'node:crypto';
import { createSecretKey } from 'node:crypto';
import type { IssuingSettings } from '../access-token/access-token.issuer.js';
import { parseDuration } from '../duration.js';
import type { DerivedRefreshKey, RefreshKeyRing } from '../session/refresh-token.codec.js';
import type { RotationRules } from '../session/rotation.js';
import { TokenOptionsError } from '../errors/token.errors.js';
import type { RefreshKey, RefreshOptions } from '../session/refresh.options.js';
import type { TokenModuleOptions } from './token.options.js';
import { deriveKey, kidByteOf, readSecret } from '../keys/key-material.js';
import { DAY, integerIn, MINUTE, oneOf, SECOND, span } from './option-checks.js';

/** Sessions and refresh tokens, resolved. */
export interface ResolvedRefreshOptions {
  readonly ring: RefreshKeyRing;
  readonly rules: RotationRules;
  /** Milliseconds. */
  readonly idleMs: number;
  /** Milliseconds. */
  readonly absoluteMs: number;
}

/** What the refresh options depend on. */
export interface RefreshContext {
  readonly issuer: string;
  readonly realm: string;
  /** Remarks for the log are added here. */
  readonly warnings: string[];
  /** The module's secret, or null beside `keys`. */
  readonly secret: KeyObject | null;
  readonly access: IssuingSettings;
}

const DEFAULTS = { grace: '30s', idleLifetime: '14d', absoluteLifetime: '90d', limit: { max: 60, perMs: 3_600_000 } } as const;
const MAX_GRACE = 5 * MINUTE;

/** @throws {TokenOptionsError} naming the first option that is wrong. */
export function resolveRefreshOptions({ refresh = {} }: TokenModuleOptions, context: RefreshContext): ResolvedRefreshOptions {
  const graceMs = resolveGrace(refresh, context);
  const idleMs = span('refresh.idleLifetime', refresh.idleLifetime ?? DEFAULTS.idleLifetime, { min: SECOND, max: 3_650 * DAY });
  const absoluteMs = span('refresh.absoluteLifetime', refresh.absoluteLifetime ?? DEFAULTS.absoluteLifetime, {
    min: SECOND,
    max: 3_650 * DAY,
  });
  const { maxLifetimeMs } = context.access;
  if (idleMs < 2 * maxLifetimeMs || idleMs <= maxLifetimeMs + 2 * graceMs) {
    throw new TokenOptionsError(
      'refresh.idleLifetime',
      'is below twice the access lifetime, or not above access lifetime + 2 · refresh.grace; raise it',
    );
  }
  if (idleMs > absoluteMs)
    throw new TokenOptionsError('refresh.idleLifetime', 'is above refresh.absoluteLifetime; lower it or raise the other');
  const rules: RotationRules = {
    graceMs,
    reuse: oneOf('refresh.reuse', refresh.reuse ?? 'tolerant', ['tolerant', 'strict']),
    recoverLost: oneOf('refresh.recoverLost', refresh.recoverLost ?? 'always', ['always', 'grace']),
    limit: resolveLimit(refresh, context),
  };
  return { ring: resolveRefreshKeys(refresh, context), rules: Object.freeze(rules), idleMs, absoluteMs };
}

function resolveGrace({ grace }: RefreshOptions, { access, warnings }: RefreshContext): number {
  if (grace === undefined) return Math.min(parseDuration(DEFAULTS.grace), access.lifetimeMs / 8);
  const graceMs = span('refresh.grace', grace, { min: 1, max: MAX_GRACE });
  if (graceMs > access.lifetimeMs / 4) throw new TokenOptionsError('refresh.grace', 'is above a quarter of access.lifetime; lower it');
  if (access.jitter * access.lifetimeMs <= 4 * graceMs) {
    warnings.push(
      'refresh.grace: access.jitter × access.lifetime is at most 4 · grace, so a thief may stay in step with the victim for longer; lower the grace',
    );
  }
  return graceMs;
}

function resolveLimit({ limit }: RefreshOptions, { access }: RefreshContext): RotationRules['limit'] {
  if (limit === false) return null;
  const { limit: standard } = DEFAULTS;
  if (limit === undefined)
    return { max: Math.max(standard.max, Math.ceil((4 * standard.perMs) / access.lifetimeMs)), perMs: standard.perMs };
  return {
    max: integerIn('refresh.limit.max', limit.max, { min: 1, max: 1_000_000 }),
    perMs: span('refresh.limit.per', limit.per, { min: SECOND, max: 30 * DAY }),
  };
}

function resolveRefreshKeys({ secret, keys }: RefreshOptions, context: RefreshContext): RefreshKeyRing {
  if (keys !== undefined && secret !== undefined)
    throw new TokenOptionsError('refresh.secret', 'given together with `refresh.keys`; give one of them');
  if (keys !== undefined) return readRefreshKeys(keys, context);
  if (secret === undefined && !context.secret) {
    throw new TokenOptionsError('refresh.secret', 'is required beside `keys`; give a secret of at least 32 bytes');
  }
  const signing = derivedKey(
    secret === undefined && context.secret ? context.secret : checkedSecret('refresh.secret', secret, context),
    context,
  );
  return { signing, verifying: new Map([[signing.kid, signing]]) };
}

function readRefreshKeys(keys: readonly RefreshKey[], context: RefreshContext): RefreshKeyRing {
  if (keys.length === 0) throw new TokenOptionsError('refresh.keys', 'is not a list of at least one key');
  const read = keys.map(({ kid, secret, use }, index) => {
    const option = `refresh.keys[${index}]`;
    if (kid !== undefined) integerIn(`${option}.kid`, kid, { min: 0, max: 255 });
    oneOf(`${option}.use`, use, ['sign', 'verify']);
    return { use, derived: derivedKey(checkedSecret(`${option}.secret`, secret, context), context, kid) };
  });
  const [signing, ...others] = read.filter(({ use }) => use === 'sign').map(({ derived }) => derived);
  if (!signing || others.length > 0)
    throw new TokenOptionsError('refresh.keys', "exactly one key has use: 'sign', the others use: 'verify'");
  const verifying = new Map(read.map(({ derived }) => [derived.kid, derived]));
  if (verifying.size < read.length)
    throw new TokenOptionsError('refresh.keys', 'two keys have the same kid; give each a kid of its own, 0 to 255');
  return { signing, verifying };
}

function checkedSecret(option: string, secret: unknown, { warnings }: RefreshContext): KeyObject {
  const { key, warning } = readSecret(option, secret);
  if (warning) warnings.push(warning);
  return key;
}

/** docs/rotation.md §1: issuer and instance name take part, so that instances that share a secret do not accept each other's tokens. */
function derivedKey(secret: KeyObject, { issuer, realm }: RefreshContext, kid?: number): DerivedRefreshKey {
  const key = deriveKey(secret, 'nestjs-token/refresh/1', issuer, realm);
  return { kid: kid ?? kidByteOf(key), key: createSecretKey(key) };
}
