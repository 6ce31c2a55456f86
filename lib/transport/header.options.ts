/** Names of the headers that carry tokens, in requests and in responses alike. */
export interface HeaderOptions {
  /** Header of the access token. @defaultValue 'Authorization' */
  access?: string;
  /** Header of the refresh token. @defaultValue 'X-Refresh-Token' */
  refresh?: string;
  /** Response header with the seconds that the new access token is good for. @defaultValue 'X-Access-Token-Expires-In' */
  expiresIn?: string;
  /** Scheme before the access token; `''`: a bare token. @defaultValue 'Bearer' */
  scheme?: string;
}
