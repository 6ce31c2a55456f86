import { accessTokens, carryAccessToken } from '../microservices-guide/metadata.js';
import { describeMessages } from './message-suite.js';
import { TCP } from '../support/message-app.js';

describeMessages('a microservice over TCP, with the token in the payload', TCP, (payload, accessToken) => ({ ...payload, accessToken }));

describeMessages('a microservice over TCP, with the token in the metadata of the message', TCP, (payload, token, client) => {
  accessTokens.enterWith(token);
  carryAccessToken(client);
  return payload;
});
