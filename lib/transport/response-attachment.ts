import type { ServerResponse } from 'node:http';

/**
 * A value that belongs to a response and is released with it. It is a property of the response that nothing lists. A `WeakMap` would do the
 * same, but what is in one outlives the cheap collections of garbage: a refresh then leaves twice as many bytes to the expensive one.
 */
export class ResponseAttachment<Value> {
  private readonly key = Symbol('nestjs-token');

  get(response: ServerResponse): Value | undefined {
    return (response as ServerResponse & { [key: symbol]: Value | undefined })[this.key];
  }

  set(response: ServerResponse, value: Value): void {
    Object.defineProperty(response, this.key, { value, configurable: true });
  }
}
