import type { NewSession, RevokeReason, SessionSnapshot, TokenSession } from 'nestjs-token';

/** What `HGETALL` returns: names and values in turn. */
export type Fields = readonly string[];

/** The fields of a new session. The script adds instants. Fields that are null are not there at all. */
export function newFields(session: NewSession): Record<string, string> {
  const { subject, claims, data, device, ownIdleMs, boundKey } = session;
  const texts = {
    subject,
    claims: JSON.stringify(claims),
    data: data && JSON.stringify(data),
    label: device.label,
    ip: device.ip,
    userAgent: device.userAgent,
    ownIdleMs: ownIdleMs?.toString(),
    boundKey,
  };
  const start = { generation: '0', branch: '0', parentBranch: '-1', rotatedAt: '0', windowCount: '0', windowStartedAt: '0' };
  return { ...start, ...Object.fromEntries(Object.entries(texts).filter((entry): entry is [string, string] => entry[1] !== undefined)) };
}

/** Returns the session that a script has found, or null if there is none. */
export function snapshotOf(reply: unknown, key: { realm: string; id: string }): SessionSnapshot | null {
  if (!Array.isArray(reply)) return null;
  const [at, fields] = reply as [string, Fields];
  return fields.length === 0 ? null : { session: sessionOf(fields, key), at: Number(at) };
}

export function sessionOf(fields: Fields, { realm, id }: { realm: string; id: string }): TokenSession {
  const hash = new Map(fields.flatMap((name, index) => (index % 2 === 0 ? [[name, fields[index + 1] ?? ''] as const] : [])));
  const text = (name: string): string | null => hash.get(name) ?? null;
  const number = (name: string): number => Number(hash.get(name));
  const numberOrNull = (name: string): number | null => (hash.has(name) ? number(name) : null);
  return {
    ...{ realm, id, subject: hash.get('subject') ?? '' },
    ...{ generation: number('generation'), branch: number('branch'), parentBranch: number('parentBranch') },
    ...{ rotatedAt: number('rotatedAt'), createdAt: number('createdAt'), lastUsedAt: number('lastUsedAt') },
    ...{ idleExpiresAt: number('idleExpiresAt'), absoluteExpiresAt: number('absoluteExpiresAt'), ownIdleMs: numberOrNull('ownIdleMs') },
    ...{ accessRevokedAt: numberOrNull('accessRevokedAt'), revokedAt: numberOrNull('revokedAt') },
    revokeReason: text('revokeReason') as RevokeReason | null,
    ...{ windowCount: number('windowCount'), windowStartedAt: number('windowStartedAt'), authTime: number('authTime') },
    ...{ claims: object(hash.get('claims')) ?? {}, data: object(hash.get('data')) },
    ...{ ip: text('ip'), userAgent: text('userAgent'), label: text('label'), boundKey: text('boundKey') },
  };
}

function object(json: string | undefined): Record<string, unknown> | null {
  return json === undefined ? null : (JSON.parse(json) as Record<string, unknown>);
}
