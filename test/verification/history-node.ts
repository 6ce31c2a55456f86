import type { TokenModuleOptions } from 'nestjs-token';
import { AccessTokenService } from 'nestjs-token';
import { FakeClock, InMemoryTokenRepository } from 'nestjs-token/testing';
import assert from 'node:assert/strict';
import { sessionId } from '../support/access-tokens.js';
import { ISSUER, SECRET } from '../support/app.js';
import { KeyReloader, KeyRing, resolveTokenOptions, RevocationList, revocationSettings } from '../support/lib.js';
import { GatedKeys } from './gated-keys.js';
import { keysAt } from './history-keys.js';
import type { Change, Setting } from './history-steps.js';

type Profile = Pick<TokenModuleOptions, 'audience' | 'access' | 'revocation'>;

/** Rules by which tokens are verified. The tokens of a history are for the audiences `web` and `admin`. */
const PROFILES: readonly Profile[] = [
  { audience: ['web'], access: { leeway: 0, maxLifetime: '1h' }, revocation: 'poll' },
  { audience: ['admin', 'web'], access: { leeway: '60s', maxLifetime: '15m' }, revocation: 'poll' },
  { audience: ['web'], access: { leeway: '5s', maxLifetime: '1h' }, revocation: 'strict' },
  { audience: ['elsewhere'], access: { leeway: '5s', maxLifetime: '1h' }, revocation: 'poll' },
];
const RULES = PROFILES.map((profile) => resolveTokenOptions({ issuer: ISSUER, secret: SECRET, ...profile }, 'default'));
const SESSIONS = [0, 1, 2, 3].map(sessionId);

/** Two services with the same rules. What one of them learns about revocations, the other one knows too: they share the list of a node. */
interface ServicePair {
  readonly cached: AccessTokenService;
  readonly uncached: AccessTokenService;
  readonly revocations: RevocationList;
}

/** A node with two services for each profile: one with and one without a cache. What happens to the node happens to both. */
export class HistoryNode {
  readonly clock = new FakeClock();
  readonly keys: GatedKeys;
  readonly pairs: readonly ServicePair[];
  private readonly repository = new InMemoryTokenRepository(this.clock);
  private readonly ring: KeyRing;
  private stage = 0;

  /** @param monotonic what `performance.now()` returns. */
  constructor(
    private readonly setting: Setting,
    private readonly monotonic: { now: number },
  ) {
    this.ring = new KeyRing(keysAt(0, setting.keys));
    this.keys = new GatedKeys(this.ring);
    this.pairs = RULES.map((rules) => this.pair(rules));
  }

  async signIn(id: string): Promise<void> {
    const lifetimes = { idleMs: 1e10, absoluteMs: 1e10 };
    await this.repository.insert({ id, realm: 'default', subject: 'alice', claims: {}, device: {}, ...lifetimes });
  }

  /** The instant at which the access tokens of a session were last revoked, or 0. */
  async accessEpoch(id: string): Promise<number> {
    return (await this.repository.find({ realm: 'default', id }))?.session.accessRevokedAt ?? 0;
  }

  /** @returns whether the node has accepted the change. */
  async change(change: Change): Promise<boolean> {
    if (change.kind === 'jump') this.clock.advance(change.ms);
    else if (change.kind === 'wait') this.pass(change.ms);
    else if (change.kind === 'retire') this.retire(change.kid);
    else if (change.kind === 'reload') return this.reload(change.stage);
    else if (change.kind === 'revoke') await this.revoke(SESSIONS[change.session]!, change.here);
    else if (change.kind === 'revoke access') await this.revokeAccess(SESSIONS[change.session]!, change.here);
    else if (change.kind === 'forget') this.pairs[change.profile]!.cached.cache!.clear();
    else await Promise.all(this.pairs.map(({ revocations }) => revocations.poll()));
    return true;
  }

  private pass(ms: number): void {
    this.clock.advance(ms);
    this.monotonic.now += ms;
  }

  private retire(kid: string): void {
    if (kid === this.ring.signing.kid) assert.throws(() => this.ring.retire(kid), RangeError);
    else this.ring.retire(kid);
  }

  private async reload(stage: number): Promise<boolean> {
    this.stage = stage;
    return this.pairs[0]!.cached.reloadKeys().then(
      () => true,
      () => false,
    );
  }

  private async revoke(id: string, here: boolean): Promise<void> {
    await this.repository.revoke({ realm: 'default', id }, 'admin');
    if (here) for (const { revocations } of this.pairs) revocations.add([id]);
  }

  private async revokeAccess(id: string, here: boolean): Promise<void> {
    await this.repository.update({ realm: 'default', id }, { accessRevokedAt: 'now' });
    const epoch = await this.accessEpoch(id);
    if (here) for (const { revocations } of this.pairs) revocations.addOwnAccess(id, epoch);
  }

  private pair(rules: (typeof RULES)[number]): ServicePair {
    const revocations = new RevocationList(this.repository, revocationSettings('default', rules));
    const supply = async () => ({ keys: keysAt(this.stage, this.setting.keys), warnings: [] });
    const ports = { keys: this.keys, issuer: null, denylist: revocations, clock: this.clock, reloader: new KeyReloader(this.ring, supply) };
    const service = (cacheMax: number | null) => new AccessTokenService({ ...rules.access, cacheMax }, ports);
    return { cached: service(this.setting.cacheMax), uncached: service(null), revocations };
  }
}
