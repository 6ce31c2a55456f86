import type { INestApplicationContext } from '@nestjs/common';
import type { RefreshTokenPosition } from 'nestjs-token';
import { AccessTokenService, RefreshService } from 'nestjs-token';
import { createHash } from 'node:crypto';

/** What the benchmarks use of the inside of the package: millions of sessions are not signed in one by one. */
export interface RefreshTokenCodec {
  encode(secret: Buffer, position: RefreshTokenPosition): string;
  decode(token: string): (RefreshTokenPosition & { secret: Buffer; sessionId: string }) | null;
}

export function codecOf(app: INestApplicationContext): RefreshTokenCodec {
  return app.get<unknown, { parts: { codec: RefreshTokenCodec } }>(RefreshService).parts.codec;
}

/** A client's pair: a current refresh token, and an access token that has been over for an hour. */
export interface Holder {
  refreshToken: string;
  accessToken: string;
}

/** The first refresh token of the session that {@link fillSessions} has written under this number. */
export function refreshTokenOf(codec: RefreshTokenCodec, index: number): string {
  const secret = createHash('md5').update(`bench${index}`).digest();
  return codec.encode(secret, { generation: 0, branch: 0 });
}

export function holderOf(app: INestApplicationContext, refreshToken: string): Holder {
  const sessionId = codecOf(app).decode(refreshToken)?.sessionId ?? '';
  const at = Date.now() - 2 * 3_600_000;
  const minting = { subject: 'user', sessionId, claims: {}, at, authTime: at, lifetimeMs: 900_000 };
  return { refreshToken, accessToken: app.get(AccessTokenService).mint(minting).token };
}
