/** Options of the sessions of one subject. */
export interface SessionsOptions {
  /**
   * Maximum number of live sessions of one subject, which is one for each device or browser that is signed in. `signIn` can give another
   * one (`maxSessions`). From 1 to 10,000.
   * @defaultValue any number
   */
  max?: number;
  /**
   * What a sign-in does if its subject has that many sessions already. `end-oldest` ends those that were used longest ago. `refuse` opens no
   * session, and the response is 409 `session_limit`. It costs one more statement for each sign-in.
   * @defaultValue 'end-oldest'
   */
  onLimit?: 'end-oldest' | 'refuse';
}
