import { PGlite } from '@electric-sql/pglite';
import { PGLiteSocketServer } from '@electric-sql/pglite-socket';

/**
 * PostgreSQL compiled to WebAssembly, behind a port: the dialect without a server. All connections share one session, so settings
 * and `search_path` hold for all of them, and statements run one after the other.
 */
export class EmbeddedPostgres {
  private constructor(
    private readonly database: PGlite,
    private readonly server: PGLiteSocketServer,
  ) {}

  static async start(): Promise<EmbeddedPostgres> {
    const database = await PGlite.create();
    const server = new PGLiteSocketServer({ db: database, host: '127.0.0.1', port: 0, maxConnections: 100 });
    await server.start();
    return new EmbeddedPostgres(database, server);
  }

  get port(): number {
    return Number(this.server.getServerConn().split(':').at(-1));
  }

  async stop(): Promise<void> {
    await this.server.stop();
    await this.database.close();
  }
}
