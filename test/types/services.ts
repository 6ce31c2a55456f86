import type {
  AccessTokenBody,
  AccessTokenClaims,
  AccessTokenResponse,
  AccessTokenService,
  NewSession,
  RefreshService,
  RevokeReason,
  SignInService,
  TokenPair,
  TokenPairBody,
} from 'nestjs-token';
import { TokenRepository } from 'nestjs-token';
import { FakeClock, InMemoryTokenRepository } from 'nestjs-token/testing';
import type { Equal } from './equal.js';
import { holds } from './equal.js';

export async function sessions(service: RefreshService): Promise<void> {
  const pair = await service.signIn('alice', { claims: { roles: ['editor'] }, device: { label: 'laptop' }, absoluteLifetime: '8h' });
  holds<Equal<typeof pair, TokenPair>>();
  holds<Equal<ReturnType<typeof pair.toJSON>, TokenPairBody>>();
  holds<Equal<Awaited<ReturnType<typeof service.rotate>>['outcome'], 'rotated' | 'kept' | 'coalesced' | 'recovered' | 'healed'>>();
  await service.revokeAll('alice', { except: pair.sessionId, reason: 'password' });
  await service.signIn('alice', { persistent: false });
  // @ts-expect-error “remember me” is on or off
  await service.signIn('alice', { persistent: 'session' });
  // @ts-expect-error a session belongs to somebody
  await service.signIn();
  // @ts-expect-error a reason that the table of sessions does not know
  await service.revoke(pair.sessionId, { reason: 'because' });
  await service.revoke(pair.sessionId, { subject: 'alice', reason: 'user' });
  // @ts-expect-error the reason stands under its name
  await service.revoke(pair.sessionId, 'user');
  // @ts-expect-error text without a unit
  await service.signIn('alice', { absoluteLifetime: '3600' });
  holds<Equal<Awaited<ReturnType<typeof service.update>>, boolean>>();
  await service.update(pair.sessionId, { claims: { roles: [] }, label: null, now: true, subject: 'alice' });
  holds<Equal<Awaited<ReturnType<typeof service.reauthenticate>>, TokenPair>>();
  await service.reauthenticate(undefined, { subject: 'alice' });
  await service.revokeAccess(pair.sessionId);
  // @ts-expect-error a subject that may be missing must be checked first
  await service.revokeAccess(pair.sessionId, { subject: undefined });
  await service.signIn('alice', { idleLifetime: '2h', maxSessions: 3 });
  // @ts-expect-error a pair does not change
  pair.accessToken = '';
}

export async function signIns(service: SignInService): Promise<void> {
  const response = await service.signIn('alice', { claims: { roles: ['editor'] }, absoluteLifetime: '8h', persistent: false });
  holds<Equal<typeof response, AccessTokenResponse>>();
  holds<Equal<ReturnType<typeof response.toJSON>, AccessTokenBody>>();
  await service.signIn('alice', { lifetime: '1h' });
  // @ts-expect-error there is no refresh token
  seen(response.refreshToken);
  // @ts-expect-error there is no session
  seen(response.sessionId);
  // @ts-expect-error nothing can be signed out of
  seen(service.signOut);
}

function seen(_value: unknown): void {}

// Without sessions, a token needs no session. An instance with sessions refuses it when it is signed.
export const withoutSession = (service: AccessTokenService): Promise<string> => service.sign('alice', { claims: { scope: 'download' } });

export const claimsOf = (service: AccessTokenService): Promise<AccessTokenClaims> => service.verify('token');

// @ts-expect-error claims are an object
export const badClaims = (service: AccessTokenService): unknown => service.sign('alice', { sessionId: 'id', claims: 'admin' });

holds<Equal<RevokeReason, 'logout' | 'user' | 'password' | 'admin' | 'reuse' | 'user-rejected' | 'limit'>>();

// @ts-expect-error a repository implements every operation of the port
export class HalfARepository extends TokenRepository {
  override insert(_session: NewSession): never {
    throw new Error('not written yet');
  }
}

export const store: TokenRepository = new InMemoryTokenRepository(new FakeClock(0));
