import { ModulesContainer } from '@nestjs/core';
import type { ClientRequest } from 'node:http';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { csrfOwnerOf, CsrfTokens } from '../authentication/csrf-tokens.js';
import { DEFAULT_NAME } from '../keys/key-ring.js';
import { tokenTransportToken } from '../module/injection-tokens.js';
import { instancesIn } from '../module/unique-instances.js';
import { TokenPair } from '../session/token-pair.js';
import type { AccessTokenResponse } from '../stateless/access-token-response.js';
import type { IssuedTokens, TokenTransport } from '../transport/token-transport.js';
import type { ServiceLocator } from './issue-test-pair.js';

/** Settings of {@link tokenHeaders}. */
export interface TokenHeadersOptions {
  /** Name of the module instance. @defaultValue the instance without a name */
  name?: string;
}

/**
 * Returns the request headers that carry a pair, or the access token of a sign-in without a session, under the names and with the scheme
 * that the application has configured. If tokens travel in cookies, it returns the `Cookie` header and the header with the CSRF token, so
 * that requests of a test are accepted without a browser. Supertest's `set()`, Fastify's `inject()` and `fetch()` take them as they are.
 *
 * @throws {Error} Nest's own error, when the application has no instance with this name.
 * @example
 * tokenHeaders(app, pair); // { Authorization: 'Bearer eyJ…', 'X-Refresh-Token': '…' }
 * tokenHeaders(app, pair); // with transport: 'cookie': { Cookie: '__Host-access=eyJ…; __Host-refresh=…; …', 'X-CSRF-Token': '…' }
 */
export function tokenHeaders(
  app: ServiceLocator,
  pair: TokenPair | AccessTokenResponse,
  { name = DEFAULT_NAME }: TokenHeadersOptions = {},
): Record<string, string> {
  const transport = app.get<TokenTransport>(tokenTransportToken(name));
  // Tokens travel in the same places in both directions, so a client sends back what a response has brought.
  const response = new ServerResponse(new IncomingMessage(new Socket()));
  const { accessToken, refreshToken, expiresIn, refreshExpiresIn, persistent }: IssuedTokens = pair;
  // Also if the session has been revoked: a test wants to see that its tokens are refused.
  transport.write(response, { accessToken, refreshToken, expiresIn, refreshExpiresIn, persistent, deliverable: 'both' });
  const tokens = [accessToken, refreshToken].filter((token) => token !== undefined);
  const inHeaders = headersOf(response).filter(([, value]) => tokens.some((token) => value.endsWith(token)));
  return { ...Object.fromEntries(inHeaders), ...cookieHeadersOf(response, csrfOf(app, pair, { name, transport })) };
}

/** A CSRF token of the caller, and how it travels. */
interface OwnCsrf {
  readonly token: string;
  readonly header: string;
  write(response: ServerResponse): void;
}

function csrfOf(
  app: ServiceLocator,
  pair: TokenPair | AccessTokenResponse,
  { name, transport }: { name: string; transport: TokenTransport },
) {
  const instance = instancesIn(app.get(ModulesContainer)).find((one) => one.name === name);
  if (!instance?.options.transport.csrf || !instance.options.csrfKeys) return null;
  const token = new CsrfTokens(instance.options.csrfKeys).issue(pair instanceof TokenPair ? pair.sessionId : csrfOwnerOf(pair.claims));
  const write = (response: ServerResponse): void => transport.writeCsrf(response, token);
  return { token, header: instance.options.transport.csrfHeader, write } satisfies OwnCsrf;
}

function cookieHeadersOf(response: ServerResponse, csrf: OwnCsrf | null): Record<string, string> {
  if (!response.hasHeader('Set-Cookie')) return {};
  csrf?.write(response);
  const cookies = [response.getHeader('Set-Cookie')].flat().map((line) => String(line).split(';', 1)[0]);
  return { Cookie: cookies.join('; '), ...(csrf && { [csrf.header]: csrf.token }) };
}

function headersOf(response: ServerResponse): [string, string][] {
  // Every outgoing message has it, but @types/node declares it for requests only.
  const { getRawHeaderNames } = response as unknown as Pick<ClientRequest, 'getRawHeaderNames'>;
  return getRawHeaderNames.call(response).map((name) => [name, String(response.getHeader(name))]);
}
