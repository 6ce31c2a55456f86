import type { EndpointRoute } from './endpoint.options.js';
import type { DocumentedSchema } from './documented-schemas.js';
import * as schemas from './documented-schemas.js';

/** A response of an operation. */
export interface DocumentedResponse {
  readonly description: string;
  readonly schema?: DocumentedSchema;
  readonly headers?: Record<string, { readonly description: string; readonly schema: DocumentedSchema }>;
}

/** A handler, as OpenAPI describes it. */
export interface DocumentedOperation {
  readonly id: string;
  readonly summary: string;
  readonly body?: { readonly types: readonly string[]; readonly schema: DocumentedSchema };
  readonly query?: readonly { readonly name: string; readonly description: string; readonly schema: DocumentedSchema }[];
  /** The names of the security schemes: those of `DocumentBuilder.addBearerAuth()`, `addBasicAuth()` and `addCookieAuth()`. */
  readonly security: readonly ('bearer' | 'basic' | 'cookie')[];
  readonly responses: Readonly<Record<number, DocumentedResponse>>;
}

const OAUTH_TYPES = ['application/x-www-form-urlencoded', 'application/json'];
const RETRY = { 'Retry-After': { description: 'Seconds after which a retry is worth while', schema: { type: 'integer' } } };
const oauthError = (description: string): DocumentedResponse => ({ description, schema: schemas.OAUTH_ERROR });
const OAUTH_FAILURES = {
  401: oauthError('The client did not authenticate as it must (invalid_client)'),
  503: { ...oauthError('The store is unavailable. The tokens stay as they are'), headers: RETRY },
};
const UNAUTHORIZED = { description: 'The access token is missing or not good', schema: schemas.TOKEN_ERROR };
const FORBIDDEN = { description: 'The tokens came in cookies, and a page of another site sent the request', schema: schemas.TOKEN_ERROR };
const UNAVAILABLE = { description: 'The store is unavailable. Nothing has changed', schema: schemas.TOKEN_ERROR, headers: RETRY };
const GUARDED = { 401: UNAUTHORIZED, 403: FORBIDDEN, 503: UNAVAILABLE };

/** The operations of each route, by the names of the handlers. */
export const OPERATIONS: Readonly<Record<EndpointRoute, Readonly<Record<string, DocumentedOperation>>>> = {
  token: {
    respond: {
      id: 'refreshToken',
      summary: 'Exchanges a refresh token for a new pair (RFC 6749 §6)',
      body: { types: OAUTH_TYPES, schema: schemas.TOKEN_REQUEST },
      security: [],
      responses: {
        200: { description: 'The new pair', schema: schemas.TOKEN_RESPONSE },
        400: oauthError('The request or the refresh token is not good'),
        429: { ...oauthError('The session was refreshed too often'), headers: RETRY },
        ...OAUTH_FAILURES,
      },
    },
  },
  revoke: {
    respond: {
      id: 'revokeToken',
      summary: 'Ends the session of a refresh token or an access token (RFC 7009)',
      body: { types: OAUTH_TYPES, schema: schemas.PRESENTED_TOKEN },
      security: [],
      responses: {
        200: { description: 'The session has ended, or the token was not good' },
        400: oauthError('The token is missing'),
        ...OAUTH_FAILURES,
      },
    },
  },
  introspect: {
    respond: {
      id: 'introspectToken',
      summary: 'Tells a service whether an access token is good (RFC 7662)',
      body: { types: OAUTH_TYPES, schema: schemas.PRESENTED_TOKEN },
      security: ['basic'],
      responses: {
        200: { description: 'Whether the token is good, and its claims if it is', schema: schemas.INTROSPECTION },
        400: oauthError('The token is missing'),
        ...OAUTH_FAILURES,
      },
    },
  },
  logout: {
    logout: {
      id: 'logout',
      summary: 'Ends the session of the tokens of the request',
      body: { types: ['application/json'], schema: schemas.REFRESH_TOKEN },
      security: ['bearer'],
      responses: { 204: { description: 'The session has ended' }, 403: FORBIDDEN, 503: UNAVAILABLE },
    },
  },
  logoutAll: {
    logoutAll: {
      id: 'logoutAll',
      summary: 'Ends all sessions of the caller',
      security: ['bearer'],
      responses: { 204: { description: 'The sessions have ended' }, ...GUARDED },
    },
  },
  sessions: {
    list: {
      id: 'listSessions',
      summary: "Lists the caller's own sessions",
      query: schemas.PAGE,
      security: ['bearer'],
      responses: {
        200: { description: 'A page of sessions', schema: schemas.SESSION_LIST },
        400: { description: 'The query is not that of a page' },
        ...GUARDED,
      },
    },
    end: {
      id: 'endSession',
      summary: "Ends one of the caller's own sessions",
      security: ['bearer'],
      responses: { 204: { description: 'The session has ended, or was none of the caller' }, ...GUARDED },
    },
  },
};
