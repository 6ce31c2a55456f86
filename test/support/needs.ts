import { describe } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { connect } from 'node:net';

/** Servers that must be running on their usual ports. */
export const SERVERS = { postgres: { port: 5432, username: 'postgres' }, mariadb: { port: 3306, username: 'root' } } as const;
export const REDIS_PORT = 6379;
export const NATS_PORT = 4222;
export const GALERA_PROVIDER = ['/usr/lib/galera/libgalera_smm.so', '/usr/lib64/galera-4/libgalera_smm.so'].find(existsSync);

const PORTS = { postgres: SERVERS.postgres.port, mariadb: SERVERS.mariadb.port, redis: REDIS_PORT, nats: NATS_PORT };
/** Programs that a test starts by itself, and how each one is asked for its version. */
const PROGRAMS = {
  nginx: ['-v'],
  pgbouncer: ['-V'],
  pg_config: ['--version'],
  mariadbd: ['--version'],
  'mariadb-install-db': ['--version'],
  mariadb: ['--version'],
  rsync: ['--version'],
};
/** A cluster of Galera nodes takes all of these. */
const GALERA = ['mariadbd', 'mariadb-install-db', 'mariadb', 'rsync'] as const;

/** What a suite cannot do without: a server, a program, or what a cluster of Galera takes. */
export type Need = keyof typeof PORTS | 'nginx' | 'pgbouncer' | 'pg_config' | 'galera';

/** `describe`, or a skip that says why. With `TEST_DATABASES=all`, as in CI, what is missing is a failure. */
export async function describeWith(...needs: Need[]): Promise<(title: string, suite: () => void) => void> {
  const reasons = (await Promise.all(needs.map(missing))).filter((reason) => reason !== null);
  if (reasons.length === 0) return describe;
  if (process.env['TEST_DATABASES'] === 'all') throw new Error(reasons.join(', '));
  return (title, suite) => describe.skip(`${title} (skipped: ${reasons.join(', ')})`, suite);
}

async function missing(need: Need): Promise<string | null> {
  if (need === 'postgres' || need === 'mariadb' || need === 'redis' || need === 'nats') {
    const reason = await unreachable(PORTS[need]);
    return reason && `${need} ${reason}`;
  }
  if (need === 'galera' && GALERA_PROVIDER === undefined) return 'galera-4 is not installed';
  const absent = (need === 'galera' ? GALERA : [need]).find((program) => spawnSync(program, PROGRAMS[program]).error);
  return absent === undefined ? null : `${absent} is not installed`;
}

/** @returns why nothing can be reached at a port of this machine, or null. */
export function unreachable(port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(null);
    });
    socket.on('error', () => resolve(`does not answer on 127.0.0.1:${port}`));
  });
}
