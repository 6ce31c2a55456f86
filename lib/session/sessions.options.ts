import type { Duration } from '../duration.js';

/** Options of the sessions of one subject. */
export interface SessionsOptions {
  /**
   * Maximum number of live sessions of one subject, which is one for each device or browser that is signed in. `signIn` can give another
   * one (`maxSessions`). From 1 to 10,000.
   * @defaultValue any number
   */
  max?: number;
  /**
   * What a sign-in does if its subject has that many sessions already. `end-oldest` ends those that were used longest ago. `refuse` opens
   * no session, and the response is 409 `session_limit`. It costs one more statement for each sign-in.
   * @defaultValue 'end-oldest'
   */
  onLimit?: 'end-oldest' | 'refuse';
  /**
   * Notes when a session was last used, from which network address and with which `User-Agent`, also between refreshes. It is for a list of
   * devices, and `end-oldest` becomes more exact. Requests do not wait for it: each node writes in batches.
   * @defaultValue disabled
   */
  trackUse?:
    | {
        /** The use of one session is written at most once in this time. From 1 s to 1 day. @defaultValue '5m' */
        every?: Duration;
      }
    | false;
}
