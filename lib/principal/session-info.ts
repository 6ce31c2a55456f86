/** What the `loadUser` and `claims` hooks and `@CurrentSession()` get to know of a session: what an access token tells of it. */
export interface SessionInfo {
  /** The session id (`sid`). */
  readonly sessionId: string;
  /** The subject (`sub`). */
  readonly subject: string;
  /** Instant of the sign-in, epoch milliseconds; 0 where the access token does not tell it. */
  readonly authTime: number;
  /** The application's own claims: those of the access token, or those given at sign-in when one is being minted. */
  readonly claims: Readonly<Record<string, unknown>>;
}
