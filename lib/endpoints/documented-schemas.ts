/** A JSON schema, as OpenAPI 3.0 knows it. */
export interface DocumentedSchema {
  readonly type: string;
  readonly description?: string;
  readonly properties?: Record<string, DocumentedSchema>;
  readonly required?: string[];
  readonly items?: DocumentedSchema;
  readonly enum?: string[];
  readonly nullable?: boolean;
  readonly additionalProperties?: boolean;
  readonly minimum?: number;
  readonly maximum?: number;
}

const text = (description: string): DocumentedSchema => ({ type: 'string', description });
const whole = (description: string): DocumentedSchema => ({ type: 'integer', description });
const optionalText = (description: string): DocumentedSchema => ({ ...text(description), nullable: true });

const CLIENT = {
  client_id: text('Name of the client'),
  client_secret: text('Secret of the client, unless it authenticates with HTTP Basic'),
};

/** The body of `POST token` (RFC 6749 §6). */
export const TOKEN_REQUEST: DocumentedSchema = {
  type: 'object',
  properties: {
    grant_type: { type: 'string', enum: ['refresh_token'] },
    refresh_token: text('The refresh token'),
    scope: text('It changes nothing: the response says which scope the new access token has'),
    ...CLIENT,
  },
  required: ['grant_type', 'refresh_token'],
};

/** The response of `POST token` (RFC 6749 §5.1). */
export const TOKEN_RESPONSE: DocumentedSchema = {
  type: 'object',
  properties: {
    access_token: text('The new access token'),
    refresh_token: text('The new refresh token. Absent if the client keeps the one that it has'),
    token_type: text('The scheme of the access token'),
    expires_in: whole('Seconds for which the access token is good'),
    refresh_expires_in: whole('Seconds until the session expires if it is not refreshed'),
    session_id: text('The id of the session'),
    scope: text('The scope of the access token, if it has one'),
  },
  required: ['access_token', 'token_type', 'expires_in', 'refresh_expires_in', 'session_id'],
};

/** The body of `POST revoke` (RFC 7009 §2.1) and of `POST introspect` (RFC 7662 §2.1). */
export const PRESENTED_TOKEN: DocumentedSchema = {
  type: 'object',
  properties: { token: text('The token'), token_type_hint: text('access_token or refresh_token. It is not needed'), ...CLIENT },
  required: ['token'],
};

/** The response of `POST introspect` (RFC 7662 §2.2). */
export const INTROSPECTION: DocumentedSchema = {
  type: 'object',
  properties: {
    active: { type: 'boolean', description: 'Whether the token is good. If not, there are no other members' },
    iss: text('Issuer'),
    sub: text('Subject'),
    exp: whole('Expiry, in seconds'),
    iat: whole('Instant of issuing, in seconds'),
    jti: text('Id of the token'),
    sid: text('Id of the session'),
    token_type: text('The scheme of the access token'),
  },
  required: ['active'],
  additionalProperties: true,
};

/** The body of an error of the OAuth endpoints (RFC 6749 §5.2). */
export const OAUTH_ERROR: DocumentedSchema = {
  type: 'object',
  properties: { error: text('The code'), error_description: text('A constant text for developers') },
  required: ['error', 'error_description'],
};

/** The body of every other error of this package. */
export const TOKEN_ERROR: DocumentedSchema = {
  type: 'object',
  properties: {
    statusCode: whole('The status'),
    message: text('A constant text for developers'),
    error: text('The name of the status'),
    errorCode: text('The code'),
    signIn: { type: 'boolean', description: 'Present, and true, if only a new sign-in helps' },
  },
  required: ['statusCode', 'message', 'error', 'errorCode'],
};

/** The body of `POST logout`. */
export const REFRESH_TOKEN: DocumentedSchema = {
  type: 'object',
  properties: { refresh_token: text('The refresh token, if it comes neither in its header nor in its cookie') },
};

/** The query of `GET sessions`. */
export const PAGE = [
  { name: 'limit', description: 'Maximum number of sessions', schema: { type: 'integer', minimum: 1, maximum: 1_000 } },
  { name: 'after', description: 'What the page before gave as next', schema: { type: 'string' } },
];

const SESSION: DocumentedSchema = {
  type: 'object',
  properties: {
    id: text('Id of the session'),
    label: optionalText('Name of the device'),
    ip: optionalText('Network address at the sign-in, or at the last use'),
    userAgent: optionalText('User-Agent at the sign-in, or at the last use'),
    createdAt: whole('Epoch milliseconds'),
    lastUsedAt: whole('Epoch milliseconds'),
    expiresAt: whole('Epoch milliseconds'),
    current: { type: 'boolean', description: 'Whether it is the session of the request' },
  },
  required: ['id', 'label', 'ip', 'userAgent', 'createdAt', 'lastUsedAt', 'expiresAt', 'current'],
};

/** The response of `GET sessions`. */
export const SESSION_LIST: DocumentedSchema = {
  type: 'object',
  properties: {
    sessions: { type: 'array', items: SESSION },
    next: text('What after is for the next page. Absent on the last page'),
  },
  required: ['sessions'],
};
