import { describe, expect, it } from '@jest/globals';
import { headers as natsHeaders } from '@nats-io/transport-node';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { KafkaContext, MqttContext, NatsContext, RedisContext, RmqContext, TcpContext } from '@nestjs/microservices';
import { RpcContext } from '../support/lib.js';

const TOKEN = 'Bearer e30.e30.e30';

/** The context of a message with this payload, for which Nest has made that context. */
function contextOf(payload: unknown, context?: unknown): RpcContext {
  const host = new ExecutionContextHost([payload, context]);
  host.setType('rpc');
  return new RpcContext(host);
}

function natsContext(entries: readonly (readonly [string, string])[]): NatsContext {
  const headers = natsHeaders();
  for (const [name, value] of entries) headers.append(name, value);
  return new NatsContext(['subject', headers]);
}

const packet = (properties: object): MqttContext => new MqttContext(['topic', { properties }]);
const kafka = (headers: object): KafkaContext => new KafkaContext([{ headers }, 0, 'topic'] as never);
const rmq = (properties: object): RmqContext => new RmqContext([{ properties }, {}, 'pattern']);
const tcp = (metadata: unknown): TcpContext => new TcpContext([{}, 'pattern', metadata] as never);

describe('the headers of a message', () => {
  it.each([
    ['NATS', natsContext([['Authorization', TOKEN]])],
    ['RabbitMQ', rmq({ headers: { Authorization: TOKEN } })],
    ['Kafka', kafka({ authorization: TOKEN })],
    ['Kafka, as bytes', kafka({ Authorization: Buffer.from(TOKEN) })],
    ['MQTT 5', packet({ userProperties: { Authorization: TOKEN } })],
    ['TCP', tcp({ Authorization: TOKEN })],
    ['Redis', new RedisContext(['channel', { authorization: TOKEN }] as never)],
    ['gRPC', { getMap: () => ({ authorization: TOKEN }) }],
  ])('are found in the context of %s, in upper or lower case', (_, context) => {
    expect(contextOf({}, context).request.headers).toEqual({ authorization: TOKEN });
  });

  it.each([
    [
      'NATS',
      natsContext([
        ['Authorization', TOKEN],
        ['Authorization', 'Bearer other'],
      ]),
    ],
    [
      'NATS, in another case',
      natsContext([
        ['Authorization', TOKEN],
        ['authorization', 'Bearer other'],
      ]),
    ],
    ['MQTT 5', packet({ userProperties: { Authorization: [TOKEN, 'Bearer other'] } })],
    ['RabbitMQ', rmq({ headers: { Authorization: TOKEN, AUTHORIZATION: 'Bearer other' } })],
  ])('that are there twice in a message of %s are one, whose token is malformed', (_, context) => {
    expect(contextOf({}, context).request.headers).toEqual({ authorization: `${TOKEN}, Bearer other` });
  });

  it.each([
    ['no context', undefined],
    ['null', null],
    ['a text', 'context'],
    ['a context of another transport', { getArgs: () => [] }],
    ['a message of NATS without headers', new NatsContext(['subject', undefined])],
    ['a message of RabbitMQ without properties', rmq({})],
    ['no message', new RmqContext([undefined as never, {}, 'pattern'])],
    ['a packet of MQTT 3', new MqttContext(['topic', {}])],
    ['no packet', new MqttContext(['topic', undefined as never])],
    ['metadata that is no object', tcp('Bearer token')],
    ['metadata that is a list', tcp([null, ['authorization', TOKEN]])],
    ['headers that are no text', tcp({ authorization: 7, Authorization: { toString: 'x' }, AUTHORIZATION: null })],
  ])('are none for %s', (_, context) => {
    expect(contextOf({ headers: { authorization: TOKEN } }, context).request.headers).toEqual({});
  });

  it('are no text where a sender nests lists, however deep they are', () => {
    const deep = JSON.parse(`${'['.repeat(200_000)}"${TOKEN}"${']'.repeat(200_000)}`) as unknown;
    expect(contextOf({}, tcp({ authorization: deep })).request.headers).toEqual({ authorization: '' });
    expect(contextOf({}, tcp({ authorization: [[TOKEN]] })).request.headers).toEqual({ authorization: '' });
  });

  it('may have names of the prototype, and change nothing but themselves', () => {
    const metadata = JSON.parse(`{ "__proto__": "x", "constructor": "y", "Authorization": "${TOKEN}" }`) as object;
    const { headers } = contextOf({}, tcp(metadata)).request;
    expect(Object.entries(headers).toSorted()).toEqual([
      ['__proto__', 'x'],
      ['authorization', TOKEN],
      ['constructor', 'y'],
    ]);
    expect(({} as { authorization?: unknown }).authorization).toBeUndefined();
  });
});

describe('the token in the payload of a message', () => {
  const LOCATIONS = [{ body: 'accessToken' }] as const;

  it('leaves the payload for every guard of the message', () => {
    const [payload, context] = [{ accessToken: 'token', month: '2026-11' }, tcp(undefined)];
    for (let guard = 0; guard < 2; guard += 1) {
      const message = contextOf(payload, context);
      message.takeTokens(LOCATIONS);
      expect([message.request.body, payload]).toEqual([{ accessToken: 'token' }, { month: '2026-11' }]);
    }
  });

  it.each([
    ['a number', 7],
    ['a text', 'accessToken'],
    ['null', null],
    ['a list', ['accessToken']],
    ['an object that inherits it', Object.create({ accessToken: 'token' })],
  ])('is none in %s', (_, payload) => {
    const message = contextOf(payload, tcp(undefined));
    message.takeTokens(LOCATIONS);
    expect(message.request.body).toEqual({});
  });

  it('stays in a payload that cannot be changed, and is found all the same', () => {
    const message = contextOf(Object.freeze({ accessToken: 'token' }), tcp(undefined));
    message.takeTokens(LOCATIONS);
    expect(message.request.body).toEqual({ accessToken: 'token' });
  });

  it('may have a name of the prototype', () => {
    const message = contextOf(JSON.parse('{ "__proto__": "token" }'), tcp(undefined));
    message.takeTokens([{ body: '__proto__' }]);
    expect(Object.entries(message.request.body)).toEqual([['__proto__', 'token']]);
  });
});
