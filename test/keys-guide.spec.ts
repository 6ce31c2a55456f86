import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { AccessTokenService, RefreshService } from 'nestjs-token';
import type { JsonWebKeySet, TokenPair } from 'nestjs-token';
import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FakeClock, InMemoryTokenRepository } from 'nestjs-token/testing';
import type { AdapterName, TestApp } from './support/app.js';
import { ADAPTERS, bearing, ISSUER, SECRET, startApp } from './support/app.js';
import { codeOf, decoded } from './support/access-tokens.js';
import { composeInstance } from './support/instance.js';
import { resolveTokenOptions } from './support/lib.js';
import { CompiledProgram } from './support/process/compiled-program.js';
import { TestProcess } from './support/process/test-process.js';
import { KeyReload } from './keys-guide/key-reload.js';
import { before, done, phase1, phase2 } from './keys-guide/rotation.js';
import { seesRevocations } from './keys-guide/sees-revocations.js';
import { signedElsewhere } from './keys-guide/signed-elsewhere.js';
import type { SigningServiceReady } from './keys-guide/signing-service.js';
import { TokensModule } from './keys-guide/tokens.module.js';
import { VaultService } from './keys-guide/vault.service.js';

const ROOT = join(import.meta.dirname, '..');
const read = (...path: string[]): string => readFileSync(join(ROOT, ...path), 'utf8');
const GUIDE = read('docs', 'keys.md');
const blocks = [...GUIDE.matchAll(/^```ts\n([^]*?)^```$/gm)].map(([, code = '']) => code);
/** Files that the tests run. */
const FILES = [
  ...readdirSync(join(ROOT, 'test', 'keys-guide')).map((name) => join('test', 'keys-guide', name)),
  'sample/06-resource-server/src/resource-server.module.ts',
].map((path) => unindented(read(path)));

/** Lines without their indentation, because the guide shows parts of files, and without `export`. */
function unindented(text: string): string {
  return text.replace(/^ +/gm, '').replace(/^export (?=const|class|@)/gm, '');
}

describe('docs/keys.md', () => {
  it('shows nothing but code that these tests run', () => {
    expect(blocks.length).toBeGreaterThanOrEqual(6);
    expect(blocks.filter((block) => !FILES.some((file) => file.includes(unindented(block))))).toEqual([]);
  });

  it('names each algorithm', () => {
    const { ring } = resolveTokenOptions({ issuer: ISSUER, keys: before, refresh: { secret: SECRET } }, 'default').access;
    expect(GUIDE).toContain(`\`${ring.signing.algorithm}\``);
    for (const family of ['HS', 'RS', 'PS', 'ES']) for (const bits of [256, 384, 512]) expect(GUIDE).toContain(`${family}${bits}`);
  });

  it('names a command that makes a key in a form that the module takes', () => {
    const [, command = ''] = /^(openssl genpkey .*)$/m.exec(GUIDE) ?? [];
    expect(command).toBe('openssl genpkey -algorithm ed25519 -out access-2026.pem');
    const pem = generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' }) as string;
    const { access } = resolveTokenOptions(
      { issuer: ISSUER, keys: [{ algorithm: 'EdDSA', key: pem, use: 'sign' }], refresh: { secret: SECRET } },
      'd',
    );
    expect(access.ring.signing.kid).toMatch(/^[\w-]{43}$/);
  });

  it('KY-05 rotates so that nodes of two adjacent phases accept what the other one has issued', async () => {
    const clock = new FakeClock();
    const repository = new InMemoryTokenRepository(clock);
    const nodes = [before, phase1, phase2, done].map((keys) => {
      const options = resolveTokenOptions({ issuer: ISSUER, keys, refresh: { secret: SECRET } }, 'default');
      return composeInstance({ name: 'default', options, repository, clock });
    });
    const verdicts: string[] = [];
    for (const [index, node] of nodes.slice(1).entries()) {
      for (const [issuer, other] of [
        [nodes[index]!, node],
        [node, nodes[index]!],
      ] as const) {
        // In the last step, the tokens of the old key have expired.
        const { accessToken } = await issuer.refresh.signIn('alice');
        verdicts.push(await codeOf(() => other.accessTokens.verify(accessToken)));
      }
    }
    await Promise.all(nodes.map((node) => node.onModuleDestroy()));
    expect(verdicts).toEqual(['none', 'none', 'none', 'none', 'none', 'none']);
  });
});

describe.each(ADAPTERS)('the keys of docs/keys.md that are reloaded, on %s', (adapter: AdapterName) => {
  let running: TestApp;
  beforeEach(async () => {
    process.env['REFRESH_SECRET'] = SECRET;
    running = await startApp({ adapter, options: null, imports: [TokensModule] });
  });
  afterEach(async () => {
    delete process.env['REFRESH_SECRET'];
    await running.close();
  });

  it('KY-05 follow the vault, and stay as they are while it holds keys that are refused', async () => {
    const [vault, reload] = [running.app.get(VaultService, { strict: false }), running.app.get(KeyReload, { strict: false })];
    const kids: unknown[] = [];
    const error = jest.spyOn(Logger.prototype, 'error').mockReturnValue(undefined);
    for (const keys of [before, phase1, [], phase2, done]) {
      vault.held = keys;
      await reload.reload();
      const { accessToken } = await running.app.get(RefreshService).signIn('alice');
      expect((await running.call('/me', { headers: bearing({ accessToken }) })).status).toBe(200);
      kids.push([decoded(accessToken).header['kid'], (await running.call('/.well-known/jwks.json')).json<JsonWebKeySet>().keys.length]);
    }
    const [old, fresh] = [(kids[0] as string[])[0], (kids[4] as string[])[0]];
    expect(kids).toEqual([
      [old, 1],
      [old, 2],
      [old, 2],
      [fresh, 2],
      [fresh, 1],
    ]);
    expect(error).toHaveBeenCalledTimes(1);
    error.mockRestore();
    vault.held = before;
  });
});

describe('the service of docs/keys.md that asks about revocations', () => {
  it('starts with these options', async () => {
    process.env['CLIENT_SECRET'] = SECRET;
    const compiled = await Test.createTestingModule({ imports: [seesRevocations('https://auth.example.com')] }).compile();
    expect(compiled.get(AccessTokenService)).toBeInstanceOf(AccessTokenService);
    delete process.env['CLIENT_SECRET'];
  });
});

/** The process that alone has the private key. */
class SigningService extends TestProcess {
  ready: SigningServiceReady | null = null;

  protected override receive(message: unknown): void {
    this.ready = message as SigningServiceReady;
  }

  async listening(): Promise<SigningServiceReady> {
    await this.started(() => this.ready !== null);
    return this.ready!;
  }

  hang(): void {
    this.child.kill('SIGSTOP');
  }
}

describe.each(ADAPTERS)('the remote signer of docs/keys.md on %s', (adapter: AdapterName) => {
  let program: CompiledProgram;
  let service: SigningService;
  let running: TestApp;
  let ready: SigningServiceReady;
  const SOURCE = 'test/keys-guide/signing-service.ts';
  const start = (env: Record<string, string> = {}) => new SigningService(program.spawn(SOURCE, { channel: true, env }));
  const signIn = (): Promise<TokenPair> => running.app.get(RefreshService).signIn('alice');

  beforeAll(() => {
    program = new CompiledProgram(SOURCE);
  });
  afterAll(() => program.dispose());
  beforeEach(async () => {
    Logger.overrideLogger(false);
    service = start();
    ready = await service.listening();
    running = await startApp({
      adapter,
      options: null,
      imports: [signedElsewhere(ready.publicKey, `http://127.0.0.1:${ready.port}`, SECRET)],
    });
  });
  afterEach(async () => {
    await running.close();
    await service.stop();
  });

  it('signs in another process what this one verifies and publishes', async () => {
    const pair = await signIn();
    expect((await running.call('/me', { headers: bearing(pair) })).status).toBe(200);
    const [published] = (await running.call('/.well-known/jwks.json')).json<JsonWebKeySet>().keys;
    expect(published).toMatchObject({ kid: 'signing-2026', alg: 'ES256', use: 'sig', x: ready.publicKey.x });
    const [input, signature] = pair.accessToken.split(/\.(?=[^.]*$)/) as [string, string];
    const key = createPublicKey({ key: published!, format: 'jwk' });
    expect(verify('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64url'))).toBe(true);
  });

  it('that is away or hangs is 503 signer_unavailable, and nobody is signed out', async () => {
    const pair = await signIn();
    const refresh = () => running.call('/me', { headers: { 'x-refresh-token': pair.refreshToken! } });
    service.hang();
    const hanging = await refresh();
    await service.stop();
    const away = await refresh();
    for (const response of [hanging, away]) {
      expect([response.status, response.json()['errorCode'], response.headers['retry-after']]).toEqual([503, 'signer_unavailable', '1']);
    }
    expect((await running.call('/me', { headers: bearing({ accessToken: pair.accessToken }) })).status).toBe(200);
    await expect(signIn()).rejects.toMatchObject({ errorCode: 'signer_unavailable' });
    service = start({ PORT: String(ready.port), SIGNING_KEY: JSON.stringify(ready.privateKey) });
    await service.listening();
    expect((await refresh()).status).toBe(200);
  }, 60_000);

  it('cannot be retired with its key', () => {
    expect(() => running.app.get(AccessTokenService).retireKey('signing-2026')).toThrow(RangeError);
  });
});
