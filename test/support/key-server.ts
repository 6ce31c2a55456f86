import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A real HTTP server that publishes a key set, and misbehaves as a test wants it. */
export class KeyServer {
  /** What is published. */
  document: unknown = { keys: [] };
  /** Responds in place of the document. */
  respond: ((request: IncomingMessage, response: ServerResponse) => void) | null = null;
  /** Number of requests so far. */
  requests = 0;
  private port = 0;
  private readonly server = createServer((request, response) => {
    this.requests += 1;
    if (this.respond) this.respond(request, response);
    else response.setHeader('content-type', 'application/json').end(JSON.stringify(this.document));
  });

  get uri(): string {
    return `http://127.0.0.1:${this.port}/.well-known/jwks.json`;
  }

  /** Starts it, on the same port as before if it was stopped. */
  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.server.listen(this.port, '127.0.0.1', resolve));
    this.port = (this.server.address() as AddressInfo).port;
    return this;
  }

  /** Stops it. From then on connections are refused. */
  async stop(): Promise<void> {
    if (!this.server.listening) return;
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.server.closeAllConnections();
    await closed;
  }
}
