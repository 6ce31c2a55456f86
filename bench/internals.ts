import type { INestApplicationContext } from '@nestjs/common';
import type { RefreshTokenPosition } from 'nestjs-token';
import { RefreshService } from 'nestjs-token';
import { createHash } from 'node:crypto';

/** The internals of the package that the benchmarks use. They need millions of sessions, and signing in one by one would take too long. */
export interface RefreshTokenCodec {
  encode(secret: Buffer, position: RefreshTokenPosition): string;
  decode(token: string): (RefreshTokenPosition & { secret: Buffer; sessionId: string }) | null;
}

export function codecOf(app: INestApplicationContext): RefreshTokenCodec {
  return app.get<unknown, { ports: { codec: RefreshTokenCodec } }>(RefreshService).ports.codec;
}

/** What issues access tokens at any instant. */
export interface AccessTokenIssuer {
  issue(draft: {
    subject: string;
    sessionId: string;
    claims: Record<string, unknown>;
    at: number;
    authTime: number;
    lifetimeMs: number;
  }): Promise<{ token: string }>;
}

export function issuerOf(app: INestApplicationContext): AccessTokenIssuer {
  type Internals = { ports: { rotator: { ports: { issuer: { accessTokens: AccessTokenIssuer } } } } };
  return app.get<unknown, Internals>(RefreshService).ports.rotator.ports.issuer.accessTokens;
}

/** The pair of a client: a current refresh token, and an access token that expired an hour ago. */
export interface Holder {
  refreshToken: string;
  accessToken: string;
}

/** Returns the first refresh token of the session that {@link fillSessions} has written with this number. */
export function refreshTokenOf(codec: RefreshTokenCodec, index: number): string {
  const secret = createHash('md5').update(`bench${index}`).digest();
  return codec.encode(secret, { generation: 0, branch: 0 });
}

export async function holderOf(app: INestApplicationContext, refreshToken: string): Promise<Holder> {
  const sessionId = codecOf(app).decode(refreshToken)?.sessionId ?? '';
  const at = Date.now() - 2 * 3_600_000;
  const draft = { subject: 'user', sessionId, claims: {}, at, authTime: at, lifetimeMs: 900_000 };
  return { refreshToken, accessToken: (await issuerOf(app).issue(draft)).token };
}
