import { describe, expect, it, jest } from '@jest/globals';
import { ConsoleLogger } from '@nestjs/common';
import { AccessTokenResponse, redactTokens, TokenPair } from 'nestjs-token';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { inspect } from 'node:util';
import pino from 'pino';
import winston from 'winston';
import { accessTokens, SESSION_ID } from '../support/access-tokens.js';

const ACCESS = await accessTokens().service.sign('alice', { sessionId: SESSION_ID });
const REFRESH = `ntr_${randomBytes(39).toString('base64url')}`;
const CSRF = `ntc_${randomBytes(33).toString('base64url')}`;
const PAIR = {
  accessToken: ACCESS,
  refreshToken: REFRESH,
  tokenType: 'Bearer',
  expiresIn: 900,
  refreshExpiresIn: 9,
  sessionId: SESSION_ID,
};
const pairOf = (): TokenPair => new TokenPair(PAIR);
const SIGNATURE = ACCESS.split('.')[2]!;
const isClean = (text: string): boolean => !text.includes(SIGNATURE) && !text.includes(REFRESH.slice(4));

describe('redactTokens', () => {
  describe('in a text', () => {
    it.each([
      ['an access token', ACCESS, '[redacted]'],
      ['a refresh token', REFRESH, '[redacted]'],
      ['a CSRF token', `X-CSRF-Token: ${CSRF}`, 'X-CSRF-Token: [redacted]'],
      ['a header', `authorization: Bearer ${ACCESS}.`, 'authorization: Bearer [redacted].'],
      ['JSON', `{"a":"${ACCESS}","b":"${REFRESH}","c":1}`, '{"a":"[redacted]","b":"[redacted]","c":1}'],
      ['JSON in JSON', `{"body":"{\\"t\\":\\"${REFRESH}\\"}\\n${ACCESS}"}`, '{"body":"{\\"t\\":\\"[redacted]\\"}\\n[redacted]"}'],
      ['a query', `/cb?access_token=${ACCESS}&next=%2F&q=%20${REFRESH}`, '/cb?access_token=[redacted]&next=%2F&q=%20[redacted]'],
      ['an encoded scheme', `Bearer%20${ACCESS}`, 'Bearer%20[redacted]'],
      ['a cookie', `a=1; t=${ACCESS}; Path=/`, 'a=1; t=[redacted]; Path=/'],
      ['two in a row', `${ACCESS} ${ACCESS},${REFRESH}`, '[redacted] [redacted],[redacted]'],
      ['one behind a dot and in front of one', `host.${ACCESS}.x`, 'host.[redacted].x'],
    ])('replaces %s (F-24)', (_, text, expected) => {
      expect(redactTokens(text)).toBe(expected);
    });

    it.each([
      '',
      'GET /users/1 200 3 ms',
      'entr_y cntr_requests_total_by_route keyJoin.table.column eyJ. eyJx.eyJ eyJ.eyJ.',
      'eyJhbGciOiJSU0EtT0FFUCJ9.OKOawDo13gRp2ojaHV7LFpZcgV7T6DVZKTyKOMTYUmKoTCVJRgckCL9kiMT03JGe.48V1',
      '3.14.15 a.b.c … ünïcödé 🙂',
      'a'.repeat(10_000),
    ])('leaves a text without tokens as it is: %.40s (F-24)', (text) => {
      expect(redactTokens(text)).toBe(text);
    });

    it.each([
      ['eyJ'.repeat(400_000)],
      ['eyJ.'.repeat(300_000)],
      ['ntr_'.repeat(300_000)],
      ['ntc_ntr_'.repeat(150_000)],
      ['.eyJa.eyJ'.repeat(130_000)],
      ['a'.repeat(1_200_000) + '.eyJ'],
      ['-'.repeat(1_200_000) + 'ntr_'],
    ])('takes no more than linear time, whatever the text is: %.12s (F-24)', (text) => {
      const startedAt = performance.now();
      redactTokens(text);
      // A quadratic search of a million characters takes minutes.
      expect(performance.now() - startedAt).toBeLessThan(5_000);
    });
  });

  describe('in an object', () => {
    it('replaces tokens at any depth, in arrays, maps, sets and keys, and changes nothing of the original (F-24)', () => {
      const value = { a: [{ b: `x ${ACCESS}` }], m: new Map([['t', REFRESH]]), s: new Set([ACCESS]), [ACCESS]: 1, n: null, u: undefined };
      expect(redactTokens(value)).toEqual({
        a: [{ b: 'x [redacted]' }],
        m: new Map([['t', '[redacted]']]),
        s: new Set(['[redacted]']),
        '[redacted]': 1,
        n: null,
        u: undefined,
      });
      expect(value.a[0]!.b).toBe(`x ${ACCESS}`);
    });

    it('replaces the whole value of the headers that carry tokens, in any case, and of no other (F-24)', () => {
      const headers = { Authorization: 'Basic YTpi', 'X-REFRESH-TOKEN': ['a', 'b'], 'x-access-token': 'opaque', host: 'a' };
      const expected = { Authorization: '[redacted]', 'X-REFRESH-TOKEN': '[redacted]', 'x-access-token': 'opaque', host: 'a' };
      expect(redactTokens({ req: { headers } })).toEqual({ req: { headers: expected } });
      expect(redactTokens({ headers }, { headers: ['X-Access-Token'] }).headers['x-access-token']).toBe('[redacted]');
    });

    it('replaces tokens in the message, the stack, the cause and the fields of an error, which stays one (F-24)', () => {
      class OddError extends TypeError {
        readonly config = { headers: { authorization: `Bearer ${ACCESS}` } };
      }
      const error = new OddError(`bad ${ACCESS}`, { cause: new Error(REFRESH) });
      const redacted = redactTokens(error);
      expect(redacted).toBeInstanceOf(OddError);
      expect([redacted.message, (redacted.cause as Error).message]).toEqual(['bad [redacted]', '[redacted]']);
      expect(isClean(inspect(redacted, { depth: 9, showHidden: true }))).toBe(true);
      expect(Object.keys(redacted)).toEqual(Object.keys(error));
      expect(error.message).toBe(`bad ${ACCESS}`);
    });

    it('follows cycles (F-24)', () => {
      const value: Record<string, unknown> = { t: ACCESS };
      value['self'] = [value];
      const redacted = redactTokens(value);
      expect([redacted['t'], (redacted['self'] as unknown[])[0] === redacted]).toEqual(['[redacted]', true]);
    });

    it('gives back the very object that holds no token, and calls no getter (F-24)', () => {
      const getter = jest.fn();
      const value = Object.defineProperty({ a: [new Date(0), Buffer.from(ACCESS), 1n, Symbol('s')], self: {} }, 'g', { get: getter });
      value.self = value;
      expect(redactTokens(value)).toBe(value);
      expect(getter).not.toHaveBeenCalled();
    });

    it('keeps what JSON shows of dates, buffers and instances of classes beside a token (F-24)', () => {
      class Point {
        constructor(readonly x: string) {}
        toJSON(): string {
          return `at ${this.x}`;
        }
      }
      const value = { t: ACCESS, at: new Date(0), bytes: Buffer.from('x'), url: new URL('http://a/'), point: new Point(REFRESH) };
      expect(JSON.stringify(redactTokens(value))).toBe(
        '{"t":"[redacted]","at":"1970-01-01T00:00:00.000Z","bytes":{"type":"Buffer","data":[120]},"url":"http://a/","point":"at [redacted]"}',
      );
    });

    it('replaces tokens in what toJSON returns, and an object whose toJSON throws (F-24)', () => {
      class Vault {
        readonly #token = ACCESS;
        calls = 0;
        toJSON(): object {
          this.calls++;
          return { token: this.#token, self: this };
        }
      }
      const vault = new Vault();
      const fail = (): never => {
        throw new Error(ACCESS);
      };
      const [redacted, broken] = redactTokens<unknown[]>([vault, { toJSON: fail }]);
      expect([redacted, broken]).toEqual([{ token: '[redacted]', self: redacted }, '[redacted]']);
      expect([vault.calls, redactTokens({ n: 1, toJSON: () => 'one' })]).toEqual([1, { n: 1, toJSON: expect.any(Function) as unknown }]);
    });

    it('keeps the symbols of an object with toJSON, where winston has the level of a line (F-24)', () => {
      const level = Symbol.for('level');
      const error = Object.assign(new Error('failed'), { [level]: 'error', toJSON: () => ({ token: ACCESS }) });
      expect(redactTokens<object>(error)).toEqual({ token: '[redacted]', [level]: 'error' });
    });

    it('replaces a token in an object that has the name of a header (F-24)', () => {
      expect(redactTokens({ authorization: { scheme: 'Bearer', token: ACCESS } })).toEqual({
        authorization: { scheme: 'Bearer', token: '[redacted]' },
      });
    });

    it.each([99, 100, 3_000, 100_000])('walks 100 levels and replaces what is below: %d (F-24)', (levels) => {
      let value: object = { token: REFRESH };
      for (let level = 1; level < levels; level++) value = { in: value };
      let found: unknown = redactTokens(value);
      let depth = 0;
      for (; typeof found === 'object' && found !== null; depth++) found = Object.values(found)[0];
      expect([depth, found]).toEqual([Math.min(levels, 100), '[redacted]']);
    });

    it.each([undefined, null, 0, 1n, true, Symbol.iterator])('takes %p (F-24)', (value) => {
      expect(redactTokens(value)).toBe(value);
    });
  });

  describe('in a logger', () => {
    const REQUEST = { method: 'GET', headers: { authorization: `Bearer ${ACCESS}`, 'x-refresh-token': REFRESH } };

    function sink(): { stream: Writable; text: () => string } {
      const chunks: string[] = [];
      const write = (chunk: unknown, _: unknown, done: () => void): void => {
        chunks.push(String(chunk));
        done();
      };
      return { stream: new Writable({ write, decodeStrings: false }), text: () => chunks.join('') };
    }

    it('keeps tokens out of pino, child loggers and errors included (F-24)', () => {
      const { stream, text } = sink();
      const logger = pino({ hooks: { streamWrite: (line) => redactTokens(line) } }, stream);
      logger.info({ req: REQUEST, again: [ACCESS] }, `got ${REFRESH}`);
      logger.child({ token: ACCESS }).error(new Error(REFRESH));
      expect(isClean(text())).toBe(true);
      const lines = text()
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { msg: string });
      expect(lines.map(({ msg }) => msg)).toEqual(['got [redacted]', '[redacted]']);
    });

    it('is not needed where pino is told the paths that docs/operations.md names (F-24)', () => {
      const [, listed = ''] =
        /`redact: \[(.*?)\]`/.exec(readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'operations.md'), 'utf8')) ?? [];
      const redact = [...listed.matchAll(/'(.*?)'/g)].map(([, path = '']) => path);
      const { stream, text } = sink();
      pino({ redact }, stream).info({ req: REQUEST, res: REQUEST });
      expect([redact.length, isClean(text())]).toEqual([4, true]);
    });

    it.each(['json', 'simple', 'prettyPrint'] as const)('keeps tokens out of winston, in the format %s (F-24)', async (name) => {
      const { stream, text } = sink();
      const redact = winston.format((info) => redactTokens(info));
      const format = winston.format.combine(
        winston.format.errors({ stack: true }),
        winston.format.splat(),
        redact(),
        winston.format[name](),
      );
      const logger = winston.createLogger({ format, transports: [new winston.transports.Stream({ stream })] });
      logger.info('got %s', REFRESH, { req: REQUEST });
      logger.error(new Error(ACCESS));
      logger.end();
      await new Promise((resolve) => logger.once('finish', resolve));
      expect(isClean(text())).toBe(true);
      expect(text()).toContain('got [redacted]');
    });

    it.each(['json', 'simple', 'prettyPrint'] as const)(
      'keeps the tokens of our own objects and of a URL out of winston, in the format %s (F-24)',
      async (name) => {
        const { stream, text } = sink();
        const redact = winston.format((info) => redactTokens(info));
        const format = winston.format.combine(winston.format.errors(), redact(), winston.format[name]());
        const logger = winston.createLogger({ format, transports: [new winston.transports.Stream({ stream })] });
        const pair = pairOf();
        const issued = new AccessTokenResponse({
          ...PAIR,
          claims: { iat: 0, exp: 900 } as never,
          persistent: false,
          isInBody: true,
          staleAt: Infinity,
        });
        const url = new URL(`https://a.example/cb?access_token=${ACCESS}`);
        logger.info('signed in', { tokens: pair, nested: [{ issued, url }] });
        logger.info('the pair itself', pairOf());
        logger.end();
        await new Promise((resolve) => logger.once('finish', resolve));
        expect(isClean(text())).toBe(true);
        expect(text()).toMatch(/access_token=\[redacted\]/);
        expect(text().match(/session_id/g)).toHaveLength(2);
      },
    );

    it.each([false, true])("keeps tokens out of Nest's ConsoleLogger, as JSON: %p (F-24)", (json) => {
      class RedactingLogger extends ConsoleLogger {
        protected override printMessages(...parts: unknown[]): void {
          Reflect.apply(super.printMessages, this, redactTokens(parts));
        }
        protected override printStackTrace(stack: string): void {
          super.printStackTrace(redactTokens(stack));
        }
      }
      const { stream, text } = sink();
      const write = (chunk: unknown): boolean => stream.write(String(chunk));
      const spies = [process.stdout, process.stderr].map((target) => jest.spyOn(target, 'write').mockImplementation(write as never));
      const logger = new RedactingLogger('Test', { json, colors: false });
      logger.log(`got ${ACCESS}`, REQUEST);
      logger.warn({ token: REFRESH });
      logger.error('failed', new Error(ACCESS).stack);
      logger.fatal(new Error(REFRESH));
      for (const spy of spies) spy.mockRestore();
      expect(text()).toContain('got [redacted]');
      expect(isClean(text())).toBe(true);
    });
  });
});
