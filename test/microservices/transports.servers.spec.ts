import { Transport } from '@nestjs/microservices';
import { accessTokens, carryAccessToken } from '../microservices-guide/metadata.js';
import { recordWith } from '../microservices-guide/nats.js';
import type { MessageTransport } from '../support/message-app.js';
import { describeWith, NATS_PORT, REDIS_PORT } from '../support/needs.js';
import { describeMessages } from './message-suite.js';

const REDIS: MessageTransport = sameOptions({ transport: Transport.REDIS, options: { host: '127.0.0.1', port: REDIS_PORT } });
const NATS: MessageTransport = sameOptions({ transport: Transport.NATS, options: { servers: [`nats://127.0.0.1:${NATS_PORT}`] } });

function sameOptions(options: MessageTransport['server']): MessageTransport {
  return { server: options, client: () => options };
}

(await describeWith('redis'))('a microservice over Redis', () => {
  describeMessages('with the token in the payload', REDIS, (payload, accessToken) => ({ ...payload, accessToken }));

  describeMessages('with the token in the metadata of the message', REDIS, (payload, token, client) => {
    accessTokens.enterWith(token);
    carryAccessToken(client);
    return payload;
  });
});

(await describeWith('nats'))('a microservice over NATS', () => {
  describeMessages('with the token in the headers of the message', NATS, (payload, token) => recordWith(token, payload));

  describeMessages('with the token in the payload', NATS, (payload, accessToken) => ({ ...payload, accessToken }));
});
