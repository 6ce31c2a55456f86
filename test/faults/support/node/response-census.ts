import type { INestApplication } from '@nestjs/common';
import type { EventEmitter } from 'node:events';

const CONTROLS = ['/control', '/status'];
let open = 0;

/** Responses that have neither been sent nor been given up, those of the controls left out. */
export function openResponses(): number {
  return open;
}

/** Counts what the server of an application has under way, whatever the platform. */
export function countResponses(app: INestApplication): void {
  (app.getHttpServer() as EventEmitter).on('request', ({ url }: { url: string }, response: EventEmitter) => {
    if (CONTROLS.includes(url)) return;
    open += 1;
    response.once('close', () => (open -= 1));
  });
}
