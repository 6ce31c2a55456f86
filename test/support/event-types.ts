import type { TokenEvent } from 'nestjs-token';

const TYPES = {
  'signed-in': true,
  exchanged: true,
  reauthenticated: true,
  'access-revoked': true,
  rotated: true,
  kept: true,
  coalesced: true,
  recovered: true,
  healed: true,
  reuse: true,
  limited: true,
  'user-rejected': true,
  revoked: true,
  'all-revoked': true,
  'csrf-rejected': true,
  'access-rejected': true,
  'store-unavailable': true,
  'store-recovered': true,
  'key-retired': true,
} as const satisfies Record<TokenEvent['type'], true>;

/** The types of all events. The compiler demands each of them. */
export const EVENT_TYPES = Object.keys(TYPES) as TokenEvent['type'][];
