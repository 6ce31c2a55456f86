import { Injectable } from '@nestjs/common';
import { createHash } from 'node:crypto';
import type { LegacySession } from 'nestjs-token';

export interface OldRow {
  readonly hash: string;
  readonly userId: string;
  readonly userAgent: string;
  readonly expiresAt: Date;
  revokedAt: Date | null;
}

/** The old table. */
@Injectable()
export class OldRows {
  readonly rows: OldRow[] = [];

  async findOneBy({ hash }: { hash: string }): Promise<OldRow | null> {
    return this.rows.find((row) => row.hash === hash) ?? null;
  }
}

@Injectable()
export class OpaqueTokens {
  constructor(private readonly oldRows: OldRows) {}

  async exchange(token: string): Promise<LegacySession | null> {
    if (!/^[0-9a-f]{64}$/.test(token)) return null; // no query for anything else
    const row = await this.oldRows.findOneBy({ hash: createHash('sha256').update(token).digest('hex') });
    if (!row || row.revokedAt || row.expiresAt <= new Date()) return null;
    return { subject: row.userId, device: { userAgent: row.userAgent } };
  }
}
