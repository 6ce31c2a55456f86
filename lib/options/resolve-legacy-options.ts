import { TokenOptionsError } from '../errors/token.errors.js';
import type { LegacyVerifyHook } from '../principal/legacy.options.js';
import type { LegacyExchangeHook, LegacyOptions } from '../session/legacy.options.js';
import { LEGACY } from './legacy.schema.js';
import { optionReader } from './option-reader.js';

/** The migration bridge, resolved. At least one of the hooks is there. */
export interface ResolvedLegacyOptions {
  readonly verify?: LegacyVerifyHook | undefined;
  readonly exchange?: LegacyExchangeHook | undefined;
  /** Epoch milliseconds. */
  readonly untilMs: number;
}

/** @throws {TokenOptionsError} naming the first option that is wrong. */
export function resolveLegacyOptions(given: LegacyOptions | undefined): ResolvedLegacyOptions | null {
  if (given === undefined) return null;
  const legacy = optionReader({ group: 'legacy', schema: LEGACY, given });
  const [untilMs, verify, exchange] = [legacy('until'), legacy('verify'), legacy('exchange')];
  if (!verify && !exchange) throw new TokenOptionsError('legacy', 'has neither `verify` nor `exchange`; give one of them, or leave it out');
  return Object.freeze({ untilMs, verify, exchange });
}

/** What is doubtful about the bridge at this moment, for the log at start-up. */
export function legacyWarnings(
  { legacy, refresh }: { readonly legacy: ResolvedLegacyOptions | null; readonly refresh?: { readonly absoluteMs: number } },
  now: number,
): string[] {
  if (!legacy) return [];
  const until = new Date(legacy.untilMs).toISOString();
  if (now >= legacy.untilMs) return [`legacy.until: ${until} has passed, so no more old tokens are accepted; remove the option`];
  if (!legacy.exchange || !refresh || legacy.untilMs - now <= refresh.absoluteMs) return [];
  const reason = 'a session is deleted after that time, and its old token could then be exchanged again';
  return [
    `legacy.until: ${until} is later than refresh.absoluteLifetime from now; ${reason}, unless legacy.exchange refuses it by its age`,
  ];
}
