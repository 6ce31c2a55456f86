import { Controller, Get, Post, Query, StreamableFile, UseGuards } from '@nestjs/common';
import { CurrentUser, JwtAuthGuard } from 'nestjs-token';
import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';

const LONGEST_DELAY_MS = 30_000;

/** Handlers that fail, wait, stream and write. New tokens are on the response before any of them runs. */
@Controller()
@UseGuards(JwtAuthGuard)
export class PlaygroundController {
  @Get('boom')
  boom(): never {
    throw new Error('a handler that fails');
  }

  @Get('slow')
  async slow(@Query('ms') ms?: string): Promise<{ waited_ms: number }> {
    const waited = Math.min(Math.max(Number.parseInt(ms ?? '0', 10) || 0, 0), LONGEST_DELAY_MS);
    await delay(waited);
    return { waited_ms: waited };
  }

  /** Stands for routes that change something. With tokens in cookies, a page of another site cannot call it. */
  @Post('notes')
  write(@CurrentUser('sub') author: string): { author: string } {
    return { author };
  }

  @Get('stream')
  stream(): StreamableFile {
    return new StreamableFile(Readable.from(lines()), { type: 'text/plain; charset=utf-8' });
  }
}

async function* lines(): AsyncGenerator<string> {
  for (let line = 1; line <= 5; line++) {
    yield `line ${line}\n`;
    await delay(50);
  }
}
