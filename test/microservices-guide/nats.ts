import type { NatsRecord } from '@nestjs/microservices';
import { NatsRecordBuilder } from '@nestjs/microservices';
import { headers } from '@nats-io/transport-node';

/** Makes a message of NATS that carries an access token: `client.send('reports.list', recordWith(accessToken, { month }))`. */
export function recordWith(accessToken: string, payload: object): NatsRecord {
  const carried = headers();
  carried.set('Authorization', `Bearer ${accessToken}`);
  return new NatsRecordBuilder(payload).setHeaders(carried).build();
}
