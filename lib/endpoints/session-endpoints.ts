import { BadRequestException } from '@nestjs/common';
import type { AccessTokenService } from '../access-token/access-token.service.js';
import type { RequestContext } from '../nest/request-context.js';
import type { TokenInstance } from '../nest/token-instance.js';
import type { Principal } from '../principal/principal.js';
import type { RefreshService } from '../session/refresh.service.js';
import type { TokenTransport } from '../transport/token-transport.js';
import { endSessionOf } from './revocation.endpoint.js';
import type { SessionList } from './session-page.js';
import { cursorOf, listed, pageIn } from './session-page.js';

/** What the endpoints of sessions work with. */
export interface SessionEndpointPorts {
  readonly refresh: RefreshService;
  readonly accessTokens: AccessTokenService;
  readonly transport: TokenTransport;
  readonly instance: TokenInstance;
}

/** What the endpoints do that sign out and that list and end one's own sessions. */
export class SessionEndpoints {
  constructor(private readonly ports: SessionEndpointPorts) {}

  /**
   * Ends the session of the refresh token, of the access token, or of both. Without a good token there is nothing to end.
   * @param token the refresh token, which `RefreshTokenGuard` has checked against requests from other sites.
   */
  async signOut(context: RequestContext, token: string | undefined): Promise<void> {
    const { refresh, transport } = this.ports;
    await refresh.signOut(token);
    const { access } = transport.read(context.request);
    // A browser sends cookies by itself, and only the refresh token has been checked.
    if (access?.source === 'header') await endSessionOf(access.token, this.ports);
  }

  /** Ends all sessions of the caller. */
  async signOutEverywhere({ sub }: Principal): Promise<void> {
    await this.ports.refresh.revokeAll(sub, { reason: 'logout' });
  }

  /** Lists a page of the caller's sessions. @throws {BadRequestException} rejects with it if the query is not that of a page. */
  async list({ sub, sid }: Principal, query: unknown): Promise<SessionList> {
    const page = pageIn(query);
    if (!page) throw new BadRequestException('limit is a number from 1 to 1000, and after is what the page before gave as next');
    const found = await this.ports.refresh.sessions(sub, page);
    const last = found.length === page.limit ? found.at(-1) : undefined;
    return { sessions: found.map((session) => listed(session, sid)), ...(last && { next: cursorOf(last) }) };
  }

  /**
   * Ends a session of the caller. It is silent about one that has ended, that never was, or that belongs to somebody else. If it is the
   * session of the request, a browser deletes its cookies.
   */
  async end(sessionId: string, { sub, sid }: Principal, context: RequestContext): Promise<void> {
    await this.ports.refresh.revoke(sessionId, { subject: sub, reason: 'user' });
    if (sessionId === sid) this.ports.instance.clear(context, []);
  }
}
