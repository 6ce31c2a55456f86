import type { TokenError } from '../errors/token.errors.js';
import { messageFailureOf } from '../errors/message-failure.js';
import type { TokenRequest } from '../transport/token-transport.js';
import { messageHeadersOf } from './message-headers.js';
import type { Locations } from './request-context.js';
import { RequestContext } from './request-context.js';

/** What a message carries besides its payload, and the members of the payload that have been taken out of it. */
type MessageRequest = TokenRequest & { readonly body: Record<string, unknown> };

/** One request for each message, however many guards it passes: the first guard has taken the token out of the payload. */
const REQUESTS = new WeakMap<object, MessageRequest>();

/**
 * A message of a microservice. Its headers are those of a request (NATS, RabbitMQ, Kafka, MQTT 5, gRPC, and the metadata of TCP and Redis).
 * Its payload is not, apart from the members that the application names. It has no response that could carry tokens, so nothing is
 * refreshed.
 */
export class RpcContext extends RequestContext {
  override readonly isSafe = false;
  override readonly response = undefined;

  override get request(): MessageRequest {
    const { operation } = this;
    const known = REQUESTS.get(operation);
    if (known) return known;
    const body = Object.create(null) as Record<string, unknown>;
    const request = { headers: messageHeadersOf(this.host.switchToRpc().getContext()), body };
    REQUESTS.set(operation, request);
    return request;
  }

  /** The payload loses the members that may hold a token. */
  override locationsOf(ofRoute: Locations | undefined, ofMessages: Locations): Locations {
    const locations = ofRoute ?? ofMessages;
    this.takeTokens(locations);
    return locations;
  }

  /** Moves the members of the payload that may carry a token into the body of the request, so that no handler logs or stores them. */
  takeTokens(locations: Locations): void {
    const payload: unknown = this.host.switchToRpc().getData();
    if (typeof payload !== 'object' || payload === null) return;
    for (const location of locations) {
      if (typeof location === 'object' && 'body' in location) this.take(payload, location.body);
    }
  }

  /** The package is optional, and is loaded when the first error occurs. */
  override async fail(error: TokenError): Promise<Error> {
    return new (await import('@nestjs/microservices')).RpcException(messageFailureOf(error));
  }

  private take(payload: object, name: string): void {
    if (!Object.hasOwn(payload, name)) return;
    this.request.body[name] = (payload as Record<string, unknown>)[name];
    Reflect.deleteProperty(payload, name);
  }
}
