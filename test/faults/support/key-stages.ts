const ACCESS = { old: 'an old access key of these tests, 32 bytes+', new: 'a new access key of these tests, 32 bytes+' };
const REFRESH = { old: 'an old refresh key of these tests, 32 bytes+', new: 'a new refresh key of these tests, 32 bytes+' };

type Use = 'sign' | 'verify' | null;

/** The options of one stage: what each key is used for, or null: not there. */
function stage(use: { old: Use; new: Use }): Readonly<Record<string, unknown>> {
  const names = (['old', 'new'] as const).filter((name) => use[name] !== null);
  return {
    keys: names.map((name) => ({ kid: name, algorithm: 'HS256', key: ACCESS[name], use: use[name] })),
    refresh: { keys: names.map((name) => ({ kid: name === 'old' ? 1 : 2, secret: REFRESH[name], use: use[name] })) },
  };
}

/** A key rotation in two phases: the new key is known everywhere before anybody signs with it, the old one for as long as tokens of it live. */
export const STAGES = [
  stage({ old: 'sign', new: null }),
  stage({ old: 'sign', new: 'verify' }),
  stage({ old: 'verify', new: 'sign' }),
  stage({ old: null, new: 'sign' }),
];
