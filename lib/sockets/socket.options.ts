/** Options of WebSocket gateways and of GraphQL subscriptions. */
export interface WebSocketOptions {
  /**
   * Whether a socket is closed, within a second, once its access token has expired or has been revoked, also if it only receives. It is
   * told why, and is closed with the code 4401. Without it, only its next message is refused, and the application still sends to it.
   * @defaultValue false
   */
  closeOnExpiry?: boolean;
}

/** The same, complete. */
export type WebSocketSettings = Readonly<Required<WebSocketOptions>>;
