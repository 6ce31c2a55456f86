/** Names of the headers that carry tokens. They are the same in requests and in responses. */
export interface HeaderOptions {
  /** Header of the access token. Letters, digits and hyphens. @defaultValue 'Authorization' */
  access?: string;
  /** Header of the refresh token. Letters, digits and hyphens. @defaultValue 'X-Refresh-Token' */
  refresh?: string;
  /**
   * Response header with the number of seconds for which the new access token is accepted. Letters, digits and hyphens.
   * @defaultValue 'X-Access-Token-Expires-In'
   */
  expiresIn?: string;
  /**
   * Authentication scheme in front of the access token (RFC 9110 §11.1). With `''` the header holds the token alone.
   * @defaultValue 'Bearer'
   */
  scheme?: string;
}
