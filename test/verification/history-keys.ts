import type { TokenKey } from 'nestjs-token';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { SECRET } from '../support/app.js';
import { ecKey } from '../support/forge.js';
import { readRingKeys } from '../support/lib.js';
import type { Setting } from './history-steps.js';

type RingKeys = ReturnType<typeof readRingKeys>['keys'];

/** A key of a history. It signs at the node that issues with it, and elsewhere it verifies. */
export interface HistoryKey {
  readonly signs: TokenKey;
  readonly verifies: TokenKey;
}

function secret(kid: string, algorithm: 'HS256' | 'HS384' | 'HS512', text: string): HistoryKey {
  const key = { kid, algorithm, key: `${text}-${SECRET}`.repeat(2) };
  return { signs: { ...key, use: 'sign' }, verifies: { ...key, use: 'verify' } };
}

function pair(kid: string, algorithm: 'ES256' | 'EdDSA'): HistoryKey {
  const key = algorithm === 'EdDSA' ? generateKeyPairSync('ed25519').privateKey : ecKey();
  return { signs: { kid, algorithm, key, use: 'sign' }, verifies: { kid, algorithm, key: createPublicKey(key), use: 'verify' } };
}

/** The keys `a`, `b` and `c`, and another key that is also called `a`. */
const KEYS: Record<Setting['keys'], readonly HistoryKey[]> = {
  secrets: [secret('a', 'HS256', 'first'), secret('b', 'HS384', 'second'), secret('c', 'HS512', 'third'), secret('a', 'HS256', 'other')],
  pairs: [pair('a', 'ES256'), pair('b', 'EdDSA'), pair('c', 'ES256'), pair('a', 'ES256')],
};

/** Which key signs, and which ones verify, at each stage of replacing them. A history begins at the first. */
const STAGES = [
  [0, 1, 2],
  [1, 0, 2],
  [2, 1],
  [3, 1],
  [0, 2],
] as const;

/** Reading keys takes longer than a history, so each list is read only once. */
const READ = new Map<string, RingKeys>();

function read(name: string, keys: () => TokenKey[]): RingKeys {
  const known = READ.get(name) ?? readRingKeys(keys()).keys;
  READ.set(name, known);
  return { signing: known.signing && { ...known.signing }, verifyOnly: known.verifyOnly.map((key) => ({ ...key })) };
}

/** The keys of a node at a stage. They are new objects each time, as if they had been read again. */
export function keysAt(stage: number, kind: Setting['keys']): RingKeys {
  const [signing = 0, ...verifying] = STAGES[stage]!;
  return read(`${kind} ${stage}`, () => [KEYS[kind][signing]!.signs, ...verifying.map((number) => KEYS[kind][number]!.verifies)]);
}

/** The keys with which tokens of a history are issued, each for a ring of its own. */
export function signingKeys(kind: Setting['keys']): RingKeys[] {
  return KEYS[kind].map(({ signs }, number) => read(`${kind} alone ${number}`, () => [signs]));
}
