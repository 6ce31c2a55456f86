import { Transport } from '@nestjs/microservices';
import { NatsRecordBuilder } from '@nestjs/microservices';
import { headers } from '@nats-io/transport-node';
import { AsyncLocalStorage } from 'node:async_hooks';
import type { MessageTransport } from '../support/message-app.js';
import { describeWith, NATS_PORT, REDIS_PORT } from '../support/needs.js';
import { describeMessages } from './message-suite.js';

const REDIS: MessageTransport = sameOptions({ transport: Transport.REDIS, options: { host: '127.0.0.1', port: REDIS_PORT } });
const NATS: MessageTransport = sameOptions({ transport: Transport.NATS, options: { servers: [`nats://127.0.0.1:${NATS_PORT}`] } });
const CARRIED = new AsyncLocalStorage<string>();

function sameOptions(options: MessageTransport['server']): MessageTransport {
  return { server: options, client: () => options };
}

(await describeWith('redis'))('a microservice over Redis', () => {
  describeMessages('with the token in the payload', REDIS, (payload, accessToken) => ({ ...payload, accessToken }));

  describeMessages('with the token in the metadata of the message', REDIS, (payload, token, client) => {
    CARRIED.enterWith(token);
    client.setOnDispatchHook((packet) => (packet.metadata = { authorization: `Bearer ${CARRIED.getStore()!}` }));
    return payload;
  });
});

(await describeWith('nats'))('a microservice over NATS', () => {
  describeMessages('with the token in the headers of the message', NATS, (payload, token) => {
    const carried = headers();
    carried.set('Authorization', `Bearer ${token}`);
    return new NatsRecordBuilder(payload).setHeaders(carried).build();
  });

  describeMessages('with the token in the payload', NATS, (payload, accessToken) => ({ ...payload, accessToken }));
});
