import type { ClientRequest } from 'node:http';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { tokenTransportToken } from '../module/injection-tokens.js';
import type { TokenPair } from '../session/token-pair.js';
import type { TokenTransport } from '../transport/token-transport.js';
import type { ServiceLocator } from './issue-test-pair.js';

/** Settings of {@link tokenHeaders}. */
export interface TokenHeadersOptions {
  /** Name of the module instance. @defaultValue the instance without a name */
  name?: string;
}

/**
 * Returns the request headers that carry a pair, under the names and with the scheme that the application has configured. Supertest's
 * `set()`, Fastify's `inject()` and `fetch()` take them as they are.
 *
 * @throws {Error} Nest's own error, when the application has no instance with this name.
 * @example
 * tokenHeaders(app, pair); // { Authorization: 'Bearer eyJ…', 'X-Refresh-Token': '…' }
 */
export function tokenHeaders(app: ServiceLocator, pair: TokenPair, { name }: TokenHeadersOptions = {}): Record<string, string> {
  const transport = app.get<TokenTransport>(tokenTransportToken(name));
  // Tokens travel in headers of the same names in both directions, so a client sends back what a response has brought.
  const response = new ServerResponse(new IncomingMessage(new Socket()));
  transport.write(response, pair);
  const tokens = [pair.accessToken, pair.refreshToken].filter((token) => token !== undefined);
  return Object.fromEntries(headersOf(response).filter(([, value]) => tokens.some((token) => value.endsWith(token))));
}

function headersOf(response: ServerResponse): [string, string][] {
  // Every outgoing message has it, but @types/node declares it for requests only.
  const { getRawHeaderNames } = response as unknown as Pick<ClientRequest, 'getRawHeaderNames'>;
  return getRawHeaderNames.call(response).map((name) => [name, String(response.getHeader(name))]);
}
