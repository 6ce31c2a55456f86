import type { ClientProxy } from '@nestjs/microservices';
import { AsyncLocalStorage } from 'node:async_hooks';

/** The access token in whose name this process is working at the moment. */
export const accessTokens = new AsyncLocalStorage<string>();

/** Makes a client of TCP or Redis send the access token with each message, next to the payload. Call it once for each client. */
export function carryAccessToken(client: ClientProxy): void {
  client.setOnDispatchHook((packet) => {
    const accessToken = accessTokens.getStore();
    if (accessToken !== undefined) packet.metadata = { authorization: `Bearer ${accessToken}` };
  });
}
