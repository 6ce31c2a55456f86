import type { IncomingHttpHeaders } from 'node:http';
import { isAbsent, MALFORMED } from '../transport/token-readers.js';
import type { Credential, TokenRequest, TokenTransport } from '../transport/token-transport.js';

/** How a socket was opened. */
export interface Handshake {
  /** The HTTP request that opened the socket. It is frozen, because all messages of the socket share it. */
  readonly request: TokenRequest;
  /** Returns the access token that the client has sent next to the request, if there is one. It goes before the tokens of the request. */
  readonly token: (transport: TokenTransport) => Credential | undefined;
}

/** The part of an upgrade request that is read here. */
export interface UpgradeRequest {
  readonly headers: IncomingHttpHeaders;
  readonly url?: string | undefined;
}

/** What socket.io knows of the request that opened a socket, and what the client has sent as `auth`. */
export interface SocketIoHandshake extends UpgradeRequest {
  readonly query?: unknown;
  readonly auth?: unknown;
}

/** Reads the request that opened a plain WebSocket. */
export function upgradeHandshake(request: UpgradeRequest): Handshake {
  return { request: requestOf(request, queryOf(request.url)), token: () => undefined };
}

/** Reads the handshake of socket.io, with the member `token` of its `auth` payload. */
export function socketIoHandshake(handshake: SocketIoHandshake): Handshake {
  const token = givenToken(memberOf(handshake.auth, 'token'));
  return { request: requestOf(handshake, handshake.query), token: () => token };
}

/**
 * Reads the upgrade request of a GraphQL socket, with its `connectionParams`. The member that has the name of the header with the access
 * token counts as that header. No other member counts as a header.
 */
export function graphqlHandshake(upgrade: UpgradeRequest, connectionParams: unknown): Handshake {
  const headers = textsOf(connectionParams);
  return {
    request: requestOf(upgrade, queryOf(upgrade.url)),
    token: (transport) => transport.read({ headers }, IN_HEADER).access,
  };
}

const IN_HEADER = Object.freeze(['header'] as const);

/** Returns the credential for a token that a client has sent on purpose. What is no text is a bad token, and not an absent one. */
export function givenToken(value: unknown): Credential | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') return { token: MALFORMED, source: 'body' };
  return isAbsent(value) ? undefined : { token: value, source: 'body' };
}

function requestOf({ headers, url }: UpgradeRequest, query: unknown): TokenRequest {
  return Object.freeze({ headers, method: 'GET', query, ...(url !== undefined && { url }) });
}

/** Parses a query. A parameter that is there twice becomes a list, as it does on Express and Fastify. */
function queryOf(url = ''): Readonly<Record<string, string | string[]>> {
  const query = Object.create(null) as Record<string, string | string[]>;
  const begin = url.indexOf('?');
  if (begin < 0) return query;
  const parameters = new URLSearchParams(url.slice(begin + 1));
  for (const name of new Set(parameters.keys())) {
    const values = parameters.getAll(name);
    query[name] = values.length === 1 ? (values[0] ?? '') : values;
  }
  return query;
}

function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Record<string, unknown>)[name];
}

function textsOf(value: unknown): Record<string, string> {
  const texts = Object.create(null) as Record<string, string>;
  if (typeof value !== 'object' || value === null) return texts;
  for (const [name, text] of Object.entries(value)) if (typeof text === 'string') texts[name.toLowerCase()] = text;
  return texts;
}
