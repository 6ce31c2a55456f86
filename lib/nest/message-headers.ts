import type { TokenRequest } from '../transport/token-transport.js';

/**
 * The methods of the contexts that Nest makes for messages. Each transport keeps the headers of a message elsewhere. No part of the payload
 * is among them.
 */
interface MessageContext {
  /** NATS. */
  getHeaders?(): unknown;
  /** RabbitMQ and Kafka. */
  getMessage?(): { readonly headers?: unknown; readonly properties?: { readonly headers?: unknown } } | undefined;
  /** MQTT 5. */
  getPacket?(): { readonly properties?: { readonly userProperties?: unknown } } | undefined;
  /** TCP and Redis, since Nest 12.1. */
  getMetadata?(): unknown;
  /** The metadata of gRPC, which is the context itself. */
  getMap?(): unknown;
}

/**
 * Returns the headers of a message, with their names in lower case. A header that is there twice becomes one, as in HTTP (RFC 9110 §5.3),
 * so that its token is malformed. What is no text is left out.
 * @param context what Nest passes to a handler as its second argument. A transport of the application may pass anything.
 */
export function messageHeadersOf(context: unknown): TokenRequest['headers'] {
  const headers = Object.create(null) as Record<string, string>;
  for (const [name, value] of entriesOf(headersIn(context))) {
    const known = headers[name.toLowerCase()];
    const text = textOf(value);
    if (text !== undefined) headers[name.toLowerCase()] = known === undefined ? text : `${known}, ${text}`;
  }
  return headers;
}

function headersIn(context: unknown): unknown {
  if (typeof context !== 'object' || context === null) return undefined;
  const known = context as MessageContext;
  if (known.getHeaders) return known.getHeaders();
  if (known.getMetadata) return known.getMetadata();
  if (known.getMap) return known.getMap();
  if (known.getPacket) return known.getPacket()?.properties?.userProperties;
  const message = known.getMessage?.();
  return message?.properties?.headers ?? message?.headers;
}

/** The headers of NATS are iterable, and those of the others are plain objects. The metadata of TCP is whatever the sender writes. */
function entriesOf(headers: unknown): Iterable<[string, unknown]> {
  if (typeof headers !== 'object' || headers === null || Array.isArray(headers)) return [];
  return Symbol.iterator in headers ? (headers as Iterable<[string, unknown]>) : Object.entries(headers);
}

/** NATS and MQTT give lists. A sender over TCP can write lists within lists of any depth, so what is in a list is no list. */
function textOf(value: unknown): string | undefined {
  return Array.isArray(value) ? value.map((part) => plainTextOf(part) ?? '').join(', ') : plainTextOf(value);
}

/** Kafka gives bytes. */
function plainTextOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return value instanceof Uint8Array ? Buffer.from(value).toString() : undefined;
}
