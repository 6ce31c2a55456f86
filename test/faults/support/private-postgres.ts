import { execFileSync, spawnSync } from 'node:child_process';
import { chownSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SESSION_MIGRATIONS, TokenSessionEntity } from 'nestjs-token/typeorm';
import type { DataSourceOptions } from 'typeorm';
import { DataSource } from 'typeorm';
import type { TestDatabase } from '../../support/databases.js';
import { freePorts } from '../../support/free-ports.js';

/** A PostgreSQL server of a test's own, from the installed binaries: it may be stopped, killed and started again. */
export class PrivatePostgres {
  private constructor(
    private readonly binaries: string,
    private readonly directory: string,
    readonly port: number,
  ) {}

  static async create(): Promise<PrivatePostgres> {
    const binaries = execFileSync('pg_config', ['--bindir'], { encoding: 'utf8' }).trim();
    const directory = realpathSync(mkdtempSync(join(tmpdir(), 'nestjs-token-postgres-')));
    const [port = 0] = await freePorts(1);
    const server = new PrivatePostgres(binaries, directory, port);
    const { uid, gid } = owner();
    if (uid !== undefined && gid !== undefined) chownSync(directory, uid, gid);
    server.run('initdb', ['-D', server.data, '-U', 'postgres', '-A', 'trust', '--no-sync']);
    server.start();
    return server;
  }

  /** Its one database, with the tables. */
  async database(): Promise<TestDatabase> {
    const options: DataSourceOptions = {
      type: 'postgres',
      host: '127.0.0.1',
      port: this.port,
      username: 'postgres',
      database: 'postgres',
      entities: [TokenSessionEntity],
      migrations: SESSION_MIGRATIONS,
      migrationsRun: true,
      // Its own connections are lost with every crash: not worth a line.
      poolErrorHandler: () => undefined,
    };
    const dataSource = await new DataSource(options).initialize();
    return { dataSource, options, drop: () => dataSource.destroy() };
  }

  /** Returns when connections are accepted. */
  start(): void {
    const settings = `-p ${this.port} -h 127.0.0.1 -k ${this.directory}`;
    this.run('pg_ctl', ['start', '-w', '-D', this.data, '-o', settings, '-l', join(this.directory, 'log')]);
  }

  /** Ends every process of the server at once, as a crash does: recovery follows with the next start. */
  crash(): void {
    this.run('pg_ctl', ['stop', '-m', 'immediate', '-D', this.data]);
  }

  dispose(): void {
    spawnSync(join(this.binaries, 'pg_ctl'), ['stop', '-m', 'immediate', '-D', this.data], { ...owner(), stdio: 'ignore' });
    rmSync(this.directory, { recursive: true, force: true });
  }

  private get data(): string {
    return join(this.directory, 'data');
  }

  private run(program: string, args: readonly string[]): void {
    execFileSync(join(this.binaries, program), args, { ...owner(), cwd: this.directory, stdio: 'ignore' });
  }
}

/** The server refuses to run as root: then it runs as the user that the package has made. */
function owner(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}
