import { afterEach, describe, expect, it } from '@jest/globals';
import type { TokenPair } from 'nestjs-token';
import { RefreshService } from 'nestjs-token';
import { FakeClock } from 'nestjs-token/testing';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { toHttpException } from '../sample/05-microservice/src/gateway/message-failure.js';
import { accessTokens, carryAccessToken } from './microservices-guide/metadata.js';
import { recordWith } from './microservices-guide/nats.js';
import type { MessageApp } from './support/message-app.js';
import { startMessages, TCP } from './support/message-app.js';

const ROOT = join(import.meta.dirname, '..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const GUIDE = read('docs/microservices.md');
const blocksOf = (language: string): string[] =>
  [...GUIDE.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, 'gm'))].map(([, code = '']) => code);
/** Files that this test runs, and those of the sample, which test/sample/microservice.spec.ts runs. */
const FILES = [
  'test/microservices-guide/metadata.ts',
  'test/microservices-guide/nats.ts',
  'sample/05-microservice/src/gateway/gateway.module.ts',
  'sample/05-microservice/src/gateway/message-failure.ts',
  'sample/05-microservice/src/reports/reports.module.ts',
].map((path) => unindented(read(path)));

/** Lines without their indentation, because the guide shows parts of files. */
function unindented(text: string): string {
  return text.replace(/^ +/gm, '');
}

describe('docs/microservices.md', () => {
  let app: MessageApp | undefined;
  let clock: FakeClock;
  const start = async (): Promise<{ pair: TokenPair; service: MessageApp }> => {
    clock = new FakeClock(Date.now());
    app = await startMessages(TCP, { clock });
    carryAccessToken(app.client);
    return { pair: await app.app.get(RefreshService).signIn('alice'), service: app };
  };
  afterEach(async () => {
    await app?.close();
    app = undefined;
  });

  it('shows nothing but code that tests run', () => {
    const blocks = blocksOf('ts');
    expect(blocks.length).toBeGreaterThanOrEqual(6);
    expect(blocks.filter((block) => !FILES.some((file) => file.includes(unindented(block))))).toEqual([]);
  });

  it('makes a client send the token next to the payload, and nothing where there is none', async () => {
    const {
      pair: { accessToken },
      service,
    } = await start();
    const month = { month: 7 };
    expect(await accessTokens.run(accessToken, () => service.send('optional', month))).toEqual({ payload: month, sub: 'alice' });
    expect(await service.send('optional', month)).toEqual({ payload: month, sub: null });
  });

  it('shows an error as clients get it, and makes a response of HTTP from it', async () => {
    const {
      pair: { accessToken },
      service,
    } = await start();
    clock.advance('16m');
    const error = await accessTokens.run(accessToken, () => service.refusal('guarded', {}));
    expect(error).toEqual(JSON.parse(blocksOf('json')[0]!));
    expect([toHttpException(error).getStatus(), toHttpException(error).getResponse()]).toEqual([
      401,
      { statusCode: 401, message: 'access token has expired', errorCode: 'token_expired' },
    ]);
    expect(toHttpException({ errorCode: 'constructor' }).getStatus()).toBe(502);
    expect(toHttpException('away').getStatus()).toBe(502);
  });

  it('puts the token into the headers of NATS', () => {
    const { data, headers } = recordWith('token', { month: 7 });
    expect([data, (headers as { get(name: string): string }).get('Authorization')]).toEqual([{ month: 7 }, 'Bearer token']);
  });
});
