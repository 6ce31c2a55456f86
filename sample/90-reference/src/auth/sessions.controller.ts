import { Controller, Delete, Get, HttpCode, NotFoundException, Param, UseGuards } from '@nestjs/common';
import type { Principal, SessionSummary } from 'nestjs-token';
import { CurrentUser, JwtAuthGuard, RefreshService } from 'nestjs-token';

/** A session in the list. Times are epoch milliseconds. */
interface ListedSession extends SessionSummary {
  readonly id: string;
  /** Whether this is the session of the request. */
  readonly current: boolean;
}

/** Lists and ends the sessions of the caller. */
@Controller('auth/sessions')
@UseGuards(JwtAuthGuard)
export class SessionsController {
  constructor(private readonly refresh: RefreshService) {}

  @Get()
  async list(@CurrentUser() user: Principal): Promise<ListedSession[]> {
    const sessions = await this.refresh.sessions(user.sub);
    return sessions.map((session) => ({ id: session.sessionId, ...session, current: session.sessionId === user.sid }));
  }

  @Delete(':id')
  @HttpCode(204)
  async end(@CurrentUser() user: Principal, @Param('id') id: string): Promise<void> {
    const own = await this.refresh.sessions(user.sub);
    if (!own.some(({ sessionId }) => sessionId === id)) throw new NotFoundException('you have no such session');
    await this.refresh.revoke(id, { subject: user.sub, reason: 'user' });
  }
}
