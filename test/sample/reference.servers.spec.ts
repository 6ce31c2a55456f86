import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { DataSource } from 'typeorm';
import { ADAPTERS } from '../support/app.js';
import type { ServerEngine } from '../support/databases.js';
import { describeOn, serverOptions } from '../support/databases.js';
import { SERVERS } from '../support/needs.js';
import type { RunningSample } from '../support/process/sample.js';
import { CompiledSample, deliveredBy, SECRET } from '../support/process/sample.js';
import { MODES } from '../support/process/sample-clients.js';
import { describeBlackBox } from './black-box.js';

const URLS = [
  ['postgres', 'postgres'],
  ['postgres', 'postgresql'],
  ['mariadb', 'mariadb'],
  ['mariadb', 'mysql'],
] as const;
const PACKAGES = { postgres: 'pg', mariadb: 'mysql2' } as const;
const PROCESSES = 4;

let compiled: CompiledSample;
beforeAll(() => void (compiled = new CompiledSample()));
afterAll(() => compiled.dispose());

/** A database without tables. */
async function createDatabase(engine: ServerEngine) {
  const administrator = await new DataSource(serverOptions(engine)).initialize();
  const name = `sample_${randomBytes(6).toString('hex')}`;
  await administrator.query(`CREATE DATABASE ${name}`);
  return {
    name,
    administrator,
    async drop() {
      await administrator.query(`DROP DATABASE ${name}${engine === 'postgres' ? ' WITH (FORCE)' : ''}`);
      await administrator.destroy();
    },
  };
}

const addressOf = (engine: ServerEngine, protocol: string, database: string): string => {
  const { port, username } = SERVERS[engine];
  return `${protocol}://${username}@127.0.0.1:${port}/${database}`;
};

for (const [engine, protocol] of URLS) {
  const describeHere = await describeOn(engine);

  describeHere(`${PROCESSES} processes of the sample, started at once on one new database at ${protocol}://`, () => {
    let database: Awaited<ReturnType<typeof createDatabase>>;
    let samples: RunningSample[] = [];
    beforeAll(async () => {
      database = await createDatabase(engine);
      const DATABASE_URL = addressOf(engine, protocol, database.name);
      samples = await Promise.all(
        Array.from({ length: PROCESSES }, (_, n) => compiled.start({ DATABASE_URL, HTTP_ADAPTER: n % 2 === 0 ? 'express' : 'fastify' })),
      );
    }, 60_000);
    afterAll(async () => {
      await Promise.all(samples.map((sample) => sample.stop()));
      await database.drop();
    });

    const one = (index: number): RunningSample => samples[index % PROCESSES]!;

    it('answer 200 to 200 parallel requests with one rotation and one successor', async () => {
      const pair = await one(0).signInLongAgo('alice');
      const answers = await Promise.all(Array.from({ length: 200 }, (_, index) => one(index).as(pair, '/me')));
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
      expect(new Set(answers.map((answer) => deliveredBy(answer).refresh_token)).size).toBe(1);
      const next = await one(1).as({ refresh_token: deliveredBy(answers[0]!).refresh_token! }, '/me');
      expect(next.status).toBe(200);
    });

    it('list, and end, sessions of each other', async () => {
      const [here, there] = [await one(0).signIn('bob'), await one(1).signIn('bob')];
      expect((await one(2).as(here, '/auth/sessions')).json<unknown[]>()).toHaveLength(2);
      expect((await one(2).as(here, `/auth/sessions/${there.session_id}`, 'DELETE')).status).toBe(204);
      await delay(1_000);
      for (let n = 0; n < PROCESSES; n++)
        expect((await one(n).as({ access_token: there.access_token }, '/me')).json()['errorCode']).toBe('token_revoked');
      expect((await one(3).as({ refresh_token: there.refresh_token }, '/me')).json()['errorCode']).toBe('session_revoked');
    });

    it('outlive the loss of all their connections', async () => {
      const pair = await one(0).signInLongAgo('alice');
      await cutConnections(database);
      await delay(100);
      for (let n = 0; n < PROCESSES; n++) expect((await one(n).call('/health')).status).toBe(200);
      expect((await one(1).as(pair, '/me')).status).toBe(200);
    });

    async function cutConnections({ administrator, name }: typeof database): Promise<void> {
      if (engine === 'postgres') {
        await administrator.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1', [name]);
        return;
      }
      const connections: { id: number }[] = await administrator.query('SELECT id FROM information_schema.processlist WHERE db = ?', [name]);
      for (const { id } of connections) await administrator.query(`KILL ${id}`).catch(() => undefined);
    }
  });
}

for (const engine of ['postgres', 'mariadb'] as const) {
  const describeHere = await describeOn(engine);

  describeHere(`the sample with its sessions in ${engine}`, () => {
    let database: Awaited<ReturnType<typeof createDatabase>>;
    let samples: RunningSample[] = [];
    beforeAll(async () => {
      database = await createDatabase(engine);
    }, 60_000);
    afterAll(async () => {
      await Promise.all(samples.map((sample) => sample.stop()));
      await database.drop();
    });

    for (const HTTP_ADAPTER of ADAPTERS)
      for (const TOKEN_TRANSPORT of MODES)
        describeBlackBox(`on ${HTTP_ADAPTER}`, TOKEN_TRANSPORT, async () => {
          const DATABASE_URL = addressOf(engine, engine, database.name);
          const sample = await compiled.start({ HTTP_ADAPTER, TOKEN_TRANSPORT, DATABASE_URL });
          samples = [...samples, sample];
          return sample;
        });
  });
}

describe('the sample ends with code 1 and one line without a password', () => {
  const run = async (DATABASE_URL: string, environment: Record<string, string> = {}) =>
    compiled.run({ DATABASE_URL, TOKEN_SECRET: SECRET, ...environment });

  it.each(['postgres', 'mysql', 'mariadb'])(
    'when nothing answers at %s://',
    async (protocol) => {
      for (const host of ['127.0.0.1', 'localhost']) {
        const { code, output } = await run(`${protocol}://user:hidden%20password@${host}:1/app`);
        expect(code).toBe(1);
        expect(output).toMatch(/^reference: DATABASE_URL cannot be used \(.*ECONNREFUSED.*\)\n$/);
        expect(output).not.toMatch(/hidden|%20/);
      }
    },
    30_000,
  );

  it.each(['postgres', 'mariadb'] as const)(
    'when the driver of %s is missing',
    async (engine) => {
      const hook = join(compiled.directory, `without-${engine}.cjs`);
      writeFileSync(hook, withoutPackage(PACKAGES[engine]));
      const { code, output } = await run(`${engine}://user:hidden-password@127.0.0.1:1/app`, { NODE_OPTIONS: `--require ${hook}` });
      expect(code).toBe(1);
      expect(output).toMatch(new RegExp(`^reference: DATABASE_URL cannot be used \\(.*npm install ${PACKAGES[engine]}.*\\)\\n$`));
      expect(output).not.toContain('hidden-password');
    },
    30_000,
  );
});

for (const engine of ['postgres', 'mariadb'] as const) {
  const describeHere = await describeOn(engine);

  describeHere(`the sample ends with code 1 and one line on ${engine}`, () => {
    it.each([
      ['the database does not exist', addressOf(engine, engine, 'no_such_database')],
      ['the user does not exist', addressOf(engine, engine, 'test').replace(/\/\/\w+@/, '//nobody:hidden-password@')],
    ])(
      'when %s',
      async (_, DATABASE_URL) => {
        const { code, output } = await compiled.run({ DATABASE_URL, TOKEN_SECRET: SECRET });
        expect(code).toBe(1);
        expect(output).toMatch(/^reference: DATABASE_URL cannot be used \(.+\)\n$/);
        expect(output).not.toContain('hidden-password');
      },
      30_000,
    );
  });
}

/** A hook for `--require`: makes a package look as if it were not installed, by its name or by its path. */
function withoutPackage(name: string): string {
  return `
const Module = require('node:module');
const { _resolveFilename } = Module;
Module._resolveFilename = function (request, ...rest) {
  if (/(^|[\\\\/]node_modules[\\\\/])${name}$/.test(request)) throw Object.assign(new Error('Cannot find module'), { code: 'MODULE_NOT_FOUND' });
  return _resolveFilename.call(this, request, ...rest);
};`;
}
