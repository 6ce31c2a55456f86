import type { IncomingHttpHeaders } from 'node:http';
import { request } from 'node:http';

/** A request on a connection of its own. */
export interface Sent {
  port: number;
  path: string;
  method?: string;
  headers?: Record<string, string>;
  body?: unknown;
  /** After which the client gives up and hangs up. @defaultValue 15 s */
  timeoutMs?: number;
}

export interface Received {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

/** @returns the answer, or null when none came: reset, refused, cut, or too late. */
export function exchange({ port, path, method = 'GET', headers = {}, body, timeoutMs = 15_000 }: Sent): Promise<Received | null> {
  const payload = body === undefined ? undefined : JSON.stringify(body);
  return new Promise((resolve) => {
    const sent = payload === undefined ? headers : { ...headers, 'content-type': 'application/json' };
    const outgoing = request({ host: '127.0.0.1', port, path, method, headers: sent, agent: false }, (incoming) => {
      let text = '';
      incoming.on('data', (chunk: Buffer) => (text += chunk.toString()));
      incoming.on('error', () => resolve(null));
      incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text }));
    });
    const giveUp = setTimeout(() => outgoing.destroy(), timeoutMs);
    outgoing.on('error', () => resolve(null));
    outgoing.on('close', () => {
      clearTimeout(giveUp);
      resolve(null);
    });
    outgoing.end(payload);
  });
}
