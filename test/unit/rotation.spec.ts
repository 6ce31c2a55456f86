import { describe, expect, it } from '@jest/globals';
import type { RotationRules, RotationVerdict } from '../support/lib.js';
import { decideRotation, LAST_BRANCH } from '../support/lib.js';
import type { RefreshTokenPosition, TokenSession } from 'nestjs-token';

const G = 30_000;
const NOW = Date.UTC(2030, 0, 1);
const RULES: RotationRules = { graceMs: G, reuse: 'tolerant', recoverLost: 'always', limit: null };
const STRICT: RotationRules = { ...RULES, reuse: 'strict' };

/** A session at generation 5, branch 2, whose parent (4, 1) can be recovered, rotated long ago. */
const SESSION: TokenSession = {
  id: '00000000-0000-8000-8000-000000000000',
  realm: 'default',
  subject: 'alice',
  generation: 5,
  branch: 2,
  parentBranch: 1,
  rotatedAt: NOW - 100 * G,
  createdAt: NOW - 1_000 * G,
  lastUsedAt: NOW - 100 * G,
  idleExpiresAt: NOW + 1_000 * G,
  absoluteExpiresAt: NOW + 10_000 * G,
  revokedAt: null,
  revokeReason: null,
  accessRevokedAt: null,
  windowCount: 0,
  windowStartedAt: 0,
  authTime: NOW - 1_000 * G,
  claims: {},
  ip: null,
  userAgent: null,
  label: null,
  data: null,
  ownIdleMs: null,
  boundKey: null,
};

const CURRENT = { generation: 5, branch: 2 };
const PARENT = { generation: 4, branch: 1 };

function verdict(token: RefreshTokenPosition, session: Partial<TokenSession> = {}, rules: RotationRules = RULES): RotationVerdict {
  return decideRotation({ session: { ...SESSION, ...session }, at: NOW }, token, rules);
}

/** `rotatedAt` of a session that rotated so long ago. */
const ago = (milliseconds: number): Partial<TokenSession> => ({ rotatedAt: NOW - milliseconds });

describe('decideRotation', () => {
  describe('of a session that is over', () => {
    it('finds it revoked, whatever token is presented', () => {
      for (const token of [CURRENT, PARENT, { generation: 0, branch: 0 }, { generation: 9, branch: 0 }]) {
        expect(verdict(token, { revokedAt: NOW, revokeReason: 'logout' })).toEqual({ kind: 'revoked' });
      }
    });

    it('finds it revoked rather than expired when it is both', () => {
      expect(verdict(CURRENT, { revokedAt: NOW, idleExpiresAt: NOW - 1 })).toEqual({ kind: 'revoked' });
    });

    it('finds it expired at the instant of its idle expiry, not one millisecond before', () => {
      expect(verdict(PARENT, { idleExpiresAt: NOW + 1 }).kind).toBe('recovered');
      expect(verdict(PARENT, { idleExpiresAt: NOW })).toEqual({ kind: 'expired' });
    });

    it('RR-10 finds it expired at the instant of its absolute expiry, not one millisecond before', () => {
      expect(verdict(PARENT, { absoluteExpiresAt: NOW + 1 }).kind).toBe('recovered');
      expect(verdict(PARENT, { absoluteExpiresAt: NOW })).toEqual({ kind: 'expired' });
    });

    it('finds it expired rather than reused when an old token is presented', () => {
      expect(verdict({ generation: 0, branch: 0 }, { idleExpiresAt: NOW })).toEqual({ kind: 'expired' });
    });
  });

  describe('of the current token', () => {
    it('keeps it until 2·G after the rotation, and has lost a race from then on', () => {
      expect(verdict(CURRENT, ago(0)).kind).toBe('kept');
      expect(verdict(CURRENT, ago(G - 1)).kind).toBe('kept');
      expect(verdict(CURRENT, ago(G)).kind).toBe('kept');
      expect(verdict(CURRENT, ago(2 * G - 1)).kind).toBe('kept');
      expect(verdict(CURRENT, ago(2 * G))).toEqual({ kind: 'raced' });
    });

    it('treats every branch up to the present one as current', () => {
      for (const branch of [0, 1, 2]) expect(verdict({ generation: 5, branch }, ago(G)).kind).toBe('kept');
      expect(verdict({ generation: 5, branch: 3 }, ago(G)).kind).toBe('healed');
    });

    it('confirms it when a lost response was recovered and the parent could still be', () => {
      expect(verdict(CURRENT, { ...ago(G), branch: 2, parentBranch: 0 })).toEqual({ kind: 'kept', confirm: true });
      expect(verdict({ generation: 5, branch: 0 }, { ...ago(G), branch: 1, parentBranch: 255 })).toEqual({ kind: 'kept', confirm: true });
    });

    it('writes nothing when nothing was recovered, or the parent is out of reach already', () => {
      expect(verdict({ generation: 5, branch: 0 }, { ...ago(G), branch: 0, parentBranch: 1 })).toEqual({ kind: 'kept', confirm: false });
      expect(verdict(CURRENT, { ...ago(G), branch: 2, parentBranch: -1 })).toEqual({ kind: 'kept', confirm: false });
    });
  });

  describe('of the current token under a rotation limit', () => {
    const limited = (windowCount: number, age: number): RotationVerdict =>
      verdict(CURRENT, { windowCount, windowStartedAt: NOW - age }, { ...RULES, limit: { max: 3, perMs: 3_600_000 } });

    it('DS-08 limits it when the rotations of the window are used up, and has lost a race when one is left', () => {
      expect(limited(2, 1_000)).toEqual({ kind: 'raced' });
      expect(limited(3, 1_000)).toEqual({ kind: 'limited', retryAfterMs: 3_599_000 });
    });

    it('limits it until the window is over, and has lost a race from then on', () => {
      expect(limited(3, 3_599_999)).toEqual({ kind: 'limited', retryAfterMs: 1 });
      expect(limited(3, 3_600_000)).toEqual({ kind: 'raced' });
    });

    it('keeps it within 2·G of the rotation, however much was used', () => {
      const rules = { ...RULES, limit: { max: 3, perMs: 3_600_000 } };
      expect(verdict(CURRENT, { ...ago(2 * G - 1), windowCount: 3, windowStartedAt: NOW - 1 }, rules).kind).toBe('kept');
    });

    it('neither limits the parent nor a token that is ahead', () => {
      const rules = { ...RULES, limit: { max: 3, perMs: 3_600_000 } };
      const used = { windowCount: 3, windowStartedAt: NOW - 1 };
      expect(verdict(PARENT, { ...used, ...ago(0) }, rules).kind).toBe('coalesced');
      expect(verdict(PARENT, used, rules).kind).toBe('recovered');
      expect(verdict({ generation: 6, branch: 0 }, used, rules).kind).toBe('healed');
    });
  });

  describe('of the parent', () => {
    it('coalesces it until G after the rotation, and recovers it from then on', () => {
      expect(verdict(PARENT, ago(0))).toEqual({ kind: 'coalesced' });
      expect(verdict(PARENT, ago(G - 1))).toEqual({ kind: 'coalesced' });
      expect(verdict(PARENT, ago(G)).kind).toBe('recovered');
      expect(verdict(PARENT, ago(2 * G)).kind).toBe('recovered');
      expect(verdict(PARENT, ago(3 * 86_400_000)).kind).toBe('recovered');
    });

    it('recovers to the next branch of the same generation, and leaves the parent recoverable', () => {
      const recovered = verdict(PARENT);
      expect(recovered).toMatchObject({ kind: 'recovered', to: { generation: 5, branch: 3 } });
      expect('to' in recovered && [1, null]).toContain('to' in recovered && recovered.to.parentBranch);
    });

    it('coalesces any branch of the parent generation until G after the rotation, and finds reuse in all but one from then on', () => {
      for (const branch of [0, 2, 3, 255]) {
        expect(verdict({ generation: 4, branch }, ago(G - 1))).toEqual({ kind: 'coalesced' });
        expect(verdict({ generation: 4, branch }, ago(G))).toEqual({ kind: 'reuse' });
      }
    });

    it('finds reuse when the holder of the successor has confirmed it', () => {
      for (const branch of [0, 1]) expect(verdict({ generation: 4, branch }, { ...ago(G), parentBranch: -1 })).toEqual({ kind: 'reuse' });
    });

    it('recovers to branch 255, and from there hands out the same token and leaves the grace period as it is', () => {
      const last = { generation: 5, branch: 255, parentBranch: null };
      expect(verdict(PARENT, { branch: LAST_BRANCH - 1 })).toEqual({ kind: 'recovered', to: { ...last, restartsGrace: true } });
      expect(verdict(PARENT, { branch: LAST_BRANCH })).toEqual({ kind: 'recovered', to: { ...last, restartsGrace: false } });
    });

    it('finds reuse from G after the rotation on, with recoverLost: grace', () => {
      const rules = { ...RULES, recoverLost: 'grace' } as const;
      expect(verdict(PARENT, ago(G - 1), rules)).toEqual({ kind: 'coalesced' });
      expect(verdict(PARENT, ago(G), rules)).toEqual({ kind: 'reuse' });
      expect(verdict(PARENT, { ...ago(G), branch: LAST_BRANCH }, rules)).toEqual({ kind: 'reuse' });
    });
  });

  describe('of an older token', () => {
    it('finds reuse, however recent the rotation', () => {
      for (const age of [0, G - 1, G, 2 * G]) {
        for (const branch of [0, 1, 2]) {
          expect(verdict({ generation: 3, branch }, ago(age))).toEqual({ kind: 'reuse' });
          expect(verdict({ generation: 0, branch }, ago(age))).toEqual({ kind: 'reuse' });
        }
      }
    });
  });

  describe('of a token that is ahead of its session (a restored database)', () => {
    it.each([
      ['of the present generation but a later branch', { generation: 5, branch: 3 }],
      ['of the next generation', { generation: 6, branch: 0 }],
      ['of a generation far ahead', { generation: 2 ** 31 - 2, branch: 255 }],
    ])('heals to the successor of a token %s', (_, token) => {
      for (const age of [0, G, 2 * G]) {
        expect(verdict(token, ago(age))).toEqual({
          kind: 'healed',
          to: { generation: token.generation + 1, branch: 0, parentBranch: token.branch, restartsGrace: true },
        });
      }
    });

    it('heals in strict mode as well', () => {
      expect(verdict({ generation: 6, branch: 0 }, {}, STRICT).kind).toBe('healed');
    });
  });

  describe('in strict mode', () => {
    it('finds reuse in the parent from the first millisecond on', () => {
      expect(verdict(PARENT, ago(0), STRICT)).toEqual({ kind: 'reuse' });
      expect(verdict(PARENT, ago(2 * G), STRICT)).toEqual({ kind: 'reuse' });
    });

    it('keeps no current token: it has lost a race', () => {
      expect(verdict(CURRENT, ago(0), STRICT)).toEqual({ kind: 'raced' });
      expect(verdict(CURRENT, ago(2 * G), STRICT)).toEqual({ kind: 'raced' });
    });

    it('limits the current token', () => {
      const rules = { ...STRICT, limit: { max: 1, perMs: 1_000 } };
      expect(verdict(CURRENT, { ...ago(0), windowCount: 1, windowStartedAt: NOW - 999 }, rules)).toEqual({
        kind: 'limited',
        retryAfterMs: 1,
      });
    });
  });

  describe('when the clock of the store has jumped back', () => {
    it('signs nobody out: the current token is kept, the parent generation coalesced, until the clock has caught up', () => {
      const ahead = { rotatedAt: NOW + 3_600_000 };
      expect(verdict(CURRENT, ahead).kind).toBe('kept');
      expect(verdict(PARENT, ahead)).toEqual({ kind: 'coalesced' });
      expect(verdict({ generation: 4, branch: 7 }, ahead)).toEqual({ kind: 'coalesced' });
      expect(verdict({ generation: 3, branch: 0 }, ahead)).toEqual({ kind: 'reuse' });
    });
  });

  it('changes neither the session nor the token', () => {
    const snapshot = Object.freeze({ session: Object.freeze({ ...SESSION }), at: NOW });
    for (const token of [CURRENT, PARENT, { generation: 6, branch: 0 }, { generation: 1, branch: 0 }]) {
      expect(() => decideRotation(snapshot, Object.freeze({ ...token }), Object.freeze({ ...RULES }))).not.toThrow();
    }
  });
});
