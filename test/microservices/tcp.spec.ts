import { AsyncLocalStorage } from 'node:async_hooks';
import { describeMessages } from './message-suite.js';
import { TCP } from '../support/message-app.js';

describeMessages('a microservice over TCP, with the token in the payload', TCP, (payload, accessToken) => ({ ...payload, accessToken }));

const CARRIED = new AsyncLocalStorage<string>();

describeMessages('a microservice over TCP, with the token in the metadata of the message', TCP, (payload, token, client) => {
  CARRIED.enterWith(token);
  client.setOnDispatchHook((packet) => (packet.metadata = { authorization: `Bearer ${CARRIED.getStore()!}` }));
  return payload;
});
