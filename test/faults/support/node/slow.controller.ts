import type { MessageEvent } from '@nestjs/common';
import {
  Controller,
  Get,
  HttpCode,
  Post,
  Query,
  Req,
  Res,
  Sse,
  StreamableFile,
  UploadedFile,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common';
import { FileInterceptor } from '@nestjs/platform-express';
import { JwtAuthGuard } from 'nestjs-token';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { concat, NEVER, of } from 'rxjs';
import type { Observable } from 'rxjs';
import { Control } from './control.js';

/** Guarded routes whose responses take as long as a test or its client wants. */
@Controller()
@UseGuards(JwtAuthGuard)
export class SlowController {
  constructor(private readonly control: Control) {}

  /** Held in the handler. */
  @Get('held')
  async held(): Promise<object> {
    await this.control.pass('handler');
    return { held: true };
  }

  /** Held in the handler, and a stream after that. */
  @Get('held-file')
  async heldFile(): Promise<StreamableFile> {
    await this.control.pass('handler');
    return new StreamableFile(Readable.from([Buffer.from('file')]));
  }

  /** Held in the middle of the response. */
  @Get('half')
  async half(@Res() response: Platform<ServerResponse>): Promise<void> {
    const raw = rawOf(response);
    raw.writeHead(200, { 'content-type': 'text/plain' });
    raw.write('one half');
    await this.control.pass('response');
    raw.end(', the other');
  }

  /** One event, and no end. */
  @Sse('events')
  events(): Observable<MessageEvent> {
    return concat(of({ data: 'first' }), NEVER);
  }

  /** No event, and no end. */
  @Sse('silence')
  silence(): Observable<MessageEvent> {
    return NEVER;
  }

  /** Answered when multer has the whole file. */
  @Post('upload')
  @HttpCode(200)
  @UseInterceptors(FileInterceptor('file'))
  upload(@UploadedFile() file: { size: number } | undefined): object {
    return { bytes: file?.size };
  }

  /** Answered when the whole body is there. It is parsed by nobody. */
  @Post('drain')
  @HttpCode(200)
  async drain(@Req() request: Platform<IncomingMessage>): Promise<object> {
    let bytes = 0;
    for await (const chunk of rawOf(request)) bytes += (chunk as Buffer).length;
    return { bytes };
  }

  /** A handler that says how long its response may be kept. */
  @Get('cacheable')
  cacheable(@Res() response: Platform<ServerResponse>, @Query() { by, name, value }: CacheableQuery): void {
    const raw = rawOf(response);
    if (by === 'framework') {
      response.header(name, value);
      response.send({ cacheable: true });
      return;
    }
    if (by === 'setHeader') raw.setHeader(name, value);
    raw.writeHead(200, { 'content-type': 'application/json', ...(by === 'writeHead' && { [name]: value }) });
    raw.end('{"cacheable":true}');
  }
}

interface CacheableQuery {
  by: 'framework' | 'setHeader' | 'writeHead';
  name: string;
  value: string;
}

/** Node's object, or Express's on top of it, or Fastify's beside it. */
type Platform<Raw> = Raw & { raw?: Raw; header(name: string, value: string): void; send(body: object): void };

function rawOf<Raw>(platform: Platform<Raw>): Raw {
  return platform.raw ?? platform;
}
