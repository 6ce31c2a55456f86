import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseDuration, TokenOptionsError } from 'nestjs-token';
import type { AnyOption, AnySchema, CheckedKind, DurationOption, NumberOption } from '../support/lib.js';
import { EXTRAS, MODULE, checkOption, resolveStatelessOptions, resolveTokenOptions, resolveVerifierOptions } from '../support/lib.js';
import { SECRET } from '../support/app.js';
import { DROP, optionsWith } from '../support/option-cases.js';

interface NamedOption {
  /** `refresh.keys[0].kid`, for example. */
  readonly name: string;
  readonly described: AnyOption;
}

function optionsOf(schema: AnySchema, prefix = ''): NamedOption[] {
  return Object.entries(schema).flatMap(([key, described]) => {
    const name = `${prefix}${key}`;
    if (described.kind === 'group') return [{ name, described }, ...optionsOf(described.options, `${name}.`)];
    if (described.kind === 'list') return [{ name, described }, ...optionsOf(described.of, `${name}[0].`)];
    return [{ name, described }];
  });
}

const OPTIONS = [...optionsOf(MODULE), ...optionsOf(EXTRAS)];

/** What an option needs beside it, so that both ends of its range are accepted. */
const COMPANIONS: Readonly<Record<string, Record<string, object>>> = {
  'access.sliding.absoluteLifetime': { access: { lifetime: 1 } },
  'access.maxLifetime': { access: { lifetime: 1 } },
  'loadUser.cacheFor': { loadUser: { load: () => null } },
  'refresh.grace': { access: { lifetime: '24h' } },
  'refresh.idleLifetime': { access: { lifetime: 1 }, refresh: { absoluteLifetime: '3650d' } },
  'refresh.absoluteLifetime': { access: { lifetime: 1 }, refresh: { idleLifetime: 2 } },
  'refresh.limit.max': { refresh: { limit: { per: '1h' } } },
  'refresh.limit.per': { refresh: { limit: { max: 60 } } },
  ...Object.fromEntries(
    ['maxAge', 'cooldown', 'timeout', 'maxBytes'].map((name) => [`jwks.${name}`, { jwks: { uri: 'https://auth.example.com/jwks.json' } }]),
  ),
  ...Object.fromEntries(
    ['cacheFor', 'timeout'].map((name) => [
      `introspection.${name}`,
      {
        jwks: { uri: 'https://auth.example.com/jwks.json' },
        introspection: { uri: 'https://auth.example.com/introspect', clientId: 'reports', clientSecret: SECRET },
      },
    ]),
  ),
  'refresh.keys[0].kid': { refresh: { keys: [{ secret: SECRET, use: 'sign' }] } },
};

/** Copies groups. Hooks, which structuredClone refuses, stay what they are. */
function copyOf(group: object): Record<string, unknown> {
  const isGroup = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value);
  return Object.fromEntries(Object.entries(group).map(([key, value]) => [key, isGroup(value) ? copyOf(value as object) : value]));
}

function resolveWith(name: string, value: unknown): unknown {
  const given = copyOf(COMPANIONS[name] ?? {});
  const keys = name.split(/[.[\]]+/);
  const last = keys.pop() ?? '';
  let group = given;
  for (const key of keys) group = (group[key] ??= {}) as Record<string, unknown>;
  group[last] = value;
  if (keys[0] === 'jwks' || keys[0] === 'introspection') return resolveVerifierOptions(optionsWith({ ...given, secret: DROP }), 'default');
  if (name.startsWith('access.sliding')) return resolveStatelessOptions(optionsWith({ ...given, sessions: false }), 'default');
  return resolveTokenOptions(optionsWith(given), 'default');
}

function refusalOf(work: () => unknown): Pick<TokenOptionsError, 'option'> {
  try {
    work();
  } catch (error) {
    if (error instanceof TokenOptionsError) return { option: error.option };
    throw error;
  }
  return { option: 'nothing was refused' };
}

/** The ends of a range and the values next to them, outside. */
interface Ends {
  readonly accepted: readonly unknown[];
  readonly refused: readonly unknown[];
}

function endsOfSpan({ kind, min, max }: DurationOption): Ends {
  const [least, most] = [parseDuration(min), parseDuration(max)];
  const step = kind === 'whole seconds' ? 1_000 : 1;
  const text = (milliseconds: number) => (milliseconds === 0 ? 0 : `${milliseconds}ms`);
  // Nothing is below a span of no length but text that is no span.
  return { accepted: [text(least), text(most), min, max], refused: [least < step ? '-1ms' : `${least - step}ms`, text(most + step)] };
}

function endsOfNumber({ kind, min, max }: NumberOption): Ends {
  const step = kind === 'integer' ? 1 : 1e-9;
  return { accepted: [min, max], refused: [min - step, max + step] };
}

interface RangedOption extends NamedOption, Ends {
  readonly described: DurationOption | NumberOption;
}

const RANGES = OPTIONS.flatMap(({ name, described }): RangedOption[] => {
  if (described.kind === 'duration' || described.kind === 'whole seconds') return [{ name, described, ...endsOfSpan(described) }];
  return described.kind === 'number' || described.kind === 'integer' ? [{ name, described, ...endsOfNumber(described) }] : [];
});
const DEFAULTS = OPTIONS.flatMap(({ name, described }) =>
  'default' in described && described.kind !== 'group' ? [{ name, described, value: described.default }] : [],
);
const CHOICES = OPTIONS.flatMap(({ name, described }) => (described.kind === 'choice' ? [{ name, described }] : []));

describe('the schema of the options', () => {
  it('has ranges, defaults and choices to look at', () => {
    expect(RANGES.length).toBeGreaterThanOrEqual(14);
    expect(DEFAULTS.length).toBeGreaterThanOrEqual(17);
    expect(CHOICES.length).toBeGreaterThanOrEqual(6);
  });

  it.each(RANGES)('accepts both ends of the range of $name', ({ name, accepted }) => {
    for (const value of accepted) expect(() => resolveWith(name, value)).not.toThrow();
  });

  it.each(RANGES)('refuses one step beyond the range of $name, and names it', ({ name, refused }) => {
    for (const value of refused) expect(refusalOf(() => resolveWith(name, value))).toEqual({ option: name });
  });

  it.each(RANGES)('accepts of $name what lies in the range, and nothing else', ({ name, described }) => {
    const isSpan = described.kind === 'duration' || described.kind === 'whole seconds';
    const toNumber = (value: string | number) => (isSpan ? parseDuration(value) / 1_000 : Number(value));
    const [least, most] = [toNumber(described.min), toNumber(described.max)];
    fc.assert(
      fc.property(fc.integer({ min: 0, max: Math.ceil(most) * 2 }), (value) => {
        const { option } = refusalOf(() => checkOption(name, value, described));
        expect(option).toBe(value >= least && value <= most ? 'nothing was refused' : name);
      }),
    );
  });

  it.each(DEFAULTS)('accepts the default of $name', ({ name, described, value }) => {
    expect(() => checkOption(name, value, described as AnyOption & { kind: CheckedKind })).not.toThrow();
  });

  it.each(CHOICES)('accepts the values of $name and no other, and names the option', ({ name, described }) => {
    for (const value of described.values) expect(checkOption(name, value, described)).toBe(value);
    for (const value of [
      '',
      'other',
      ...described.values.map((one) => one.toUpperCase()).filter((one) => !described.values.includes(one)),
    ]) {
      expect(refusalOf(() => checkOption(name, value, described))).toEqual({ option: name });
    }
  });
});
