import type { AccessTokenService } from 'nestjs-token';
import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import { sessionId } from '../support/access-tokens.js';
import { ISSUER, SECRET } from '../support/app.js';
import { AccessTokenIssuer, KeyRing, LocalSigner, resolveTokenOptions } from '../support/lib.js';
import { signingKeys } from './history-keys.js';
import { HistoryNode } from './history-node.js';
import type { Change, Setting, Step } from './history-steps.js';
import { tampered } from './tampering.js';

const ISSUING = { issuer: ISSUER, secret: SECRET, audience: ['web', 'admin'], access: { maxLifetime: '1h' as const } };
const SETTINGS = resolveTokenOptions(ISSUING, 'default').access;

function issuersOf(kind: Setting['keys']): AccessTokenIssuer[] {
  return signingKeys(kind).map((keys) => new AccessTokenIssuer(SETTINGS, new LocalSigner(new KeyRing(keys))));
}
/** Nodes that issue, each with a key of its own. The last one is a stranger until a reload makes its key known. */
const ISSUERS = { secrets: issuersOf('secrets'), pairs: issuersOf('pairs') };

type Issuing = Omit<Extract<Step, { kind: 'issue' }>, 'kind'>;
/** The claims, or an error code. */
type Verdict = object | string;
/** How often something has happened in all histories. */
export type Tally = Map<string, number>;

/** A node, and the tokens of a history, which it verifies with and without the cache. */
export class HistoryWorld {
  private readonly node: HistoryNode;
  private readonly tokens: string[] = [];
  private floods = 0;

  /** @param monotonic what `performance.now()` returns. */
  constructor(
    private readonly setting: Setting,
    monotonic: { now: number },
    private readonly tally: Tally,
  ) {
    this.node = new HistoryNode(setting, monotonic);
  }

  async open(): Promise<this> {
    for (const session of [0, 1, 2, 3]) await this.node.signIn(sessionId(session));
    await this.issue({ signer: 0, session: 0, lifetime: 900, skew: 0, informed: false });
    return this;
  }

  async take(step: Step): Promise<void> {
    if (step.kind === 'verify') await this.compare(this.token(step.token), step.profile);
    else if (step.kind === 'recall') await this.compareRecalled(this.token(step.token), step.profile);
    else if (step.kind === 'overtake') await this.overtake(this.token(step.token), step.profile, step.change);
    else if (step.kind === 'issue') await this.issue(step);
    else if (step.kind === 'tamper') this.tokens.push(tampered(this.token(step.token), this.token(step.at), step));
    else if (step.kind === 'flood') await this.flood(step.profile, step.tokens);
    else await this.change(step);
  }

  private async change(change: Change): Promise<void> {
    if (!(await this.node.change(change))) this.count(`${change.kind} refused`);
  }

  private async issue({ signer, session, lifetime, skew, informed }: Issuing): Promise<void> {
    const at = this.node.clock.now() + skew * 1_000;
    const accessEpoch = informed ? await this.node.accessEpoch(sessionId(session)) : 0;
    const content = { subject: `user-${session}`, sessionId: sessionId(session), claims: { deep: [{ session }] }, authTime: at };
    const issuer = ISSUERS[this.setting.keys][signer]!;
    this.tokens.push((await issuer.issue({ ...content, at, accessEpoch, lifetimeMs: lifetime * 1_000 })).token);
  }

  private async flood(profile: number, count: number): Promise<void> {
    for (let n = 0; n < count; n++) {
      const session = 100 + this.floods++;
      await this.node.signIn(sessionId(session));
      await this.issue({ signer: 0, session, lifetime: 60, skew: 0, informed: false });
      await this.compare(this.tokens.pop()!, profile);
    }
  }

  private async compare(token: string, profile: number): Promise<void> {
    const { cached, uncached } = this.node.pairs[profile]!;
    await this.compareRecalled(token, profile);
    // The cached service goes first, so that it must find out by itself what has changed.
    const found = await verdict(cached, token);
    const expected = await verdict(uncached, token);
    this.requireSame(found, expected, token);
    this.count(typeof expected === 'string' ? expected : 'accepted');
    meddle(found);
  }

  /** What is recalled must be what the uncached service accepts at this moment. */
  private async compareRecalled(token: string, profile: number): Promise<void> {
    const { cached, uncached } = this.node.pairs[profile]!;
    const recalled = cached.recall(token);
    if (!recalled) return;
    this.count('recalled');
    const expected = await verdict(uncached, token);
    this.requireSame(recalled.claims, expected, token);
    this.requireSame({ ...recalled.template }, expected, token);
  }

  /** A change comes while a token is verified. Only a token that is known already may still be accepted as it was before the change. */
  private async overtake(token: string, profile: number, change: Change): Promise<void> {
    const { cached, uncached } = this.node.pairs[profile]!;
    const isKnown = cached.cache!.get(token) !== undefined;
    const before = await verdict(uncached, token);
    const open = this.node.keys.close();
    const pending = verdict(cached, token);
    await this.change(change);
    open();
    const found = await pending;
    const mayBeOld = isKnown || typeof found === 'string';
    if (!mayBeOld || !isDeepStrictEqual(found, before)) this.requireSame(found, await verdict(uncached, token), token);
    this.count('overtaken');
    await this.compare(token, profile);
  }

  private requireSame(found: Verdict, expected: Verdict, token: string): void {
    if (!isDeepStrictEqual(found, expected)) assert.fail(JSON.stringify({ found, expected, token }));
  }

  private token(number: number): string {
    return this.tokens[this.tokens.length - 1 - (number % this.tokens.length)]!;
  }

  private count(what: string): void {
    this.tally.set(what, (this.tally.get(what) ?? 0) + 1);
  }
}

async function verdict(service: AccessTokenService, token: string): Promise<Verdict> {
  try {
    return await service.verify(token);
  } catch (error) {
    return (error as { errorCode: string }).errorCode;
  }
}

/** Tries to change claims, as a careless handler may do. */
function meddle(found: Verdict): void {
  if (typeof found === 'string') return;
  Reflect.set(found, 'sub', 'mallory');
  Reflect.set((found as { deep?: object[] }).deep?.[0] ?? {}, 'session', 99);
}
