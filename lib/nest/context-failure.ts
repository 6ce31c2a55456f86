import type { ExecutionContext } from '@nestjs/common';
import type { TokenError } from '../errors/token.errors.js';

/** What a client of a gateway or a microservice is told of a {@link TokenError}. */
export interface MessageFailure {
  readonly status: 'error';
  readonly message: string;
  readonly errorCode: string;
}

type MessageException = new (failure: MessageFailure) => Error;

/** The exceptions by which Nest answers messages. Their packages are optional, and loaded when the first such error occurs. */
const EXCEPTIONS: Readonly<Record<string, () => Promise<MessageException>>> = {
  ws: async () => (await import('@nestjs/websockets')).WsException,
  rpc: async () => (await import('@nestjs/microservices')).RpcException,
};

/**
 * The error as its kind of context expects it: `WsException` for a WebSocket message, `RpcException` for a microservice's message, the
 * error itself for everything else.
 */
export async function failureIn(context: ExecutionContext, error: TokenError): Promise<Error> {
  const load = EXCEPTIONS[context.getType<string>()];
  if (!load) return error;
  const Exception = await load();
  return new Exception(messageFailureOf(error));
}

/** The part of an error that a message can carry. */
export function messageFailureOf({ message, errorCode }: TokenError): MessageFailure {
  return { status: 'error', message, errorCode };
}
