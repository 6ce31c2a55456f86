import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { TokenPair } from 'nestjs-token';
import { AccessTokenService } from 'nestjs-token';
import type { TestSocket } from '../support/sockets.js';
import { SOCKET_PLATFORMS } from '../support/sockets.js';
import { runs } from '../support/runs.js';
import { ClosedGateway, SocketApp } from './gateways.js';

/** What happens to one of the sockets, or to the clock. */
type Step =
  | { readonly kind: 'message' | 'revoke' | 'revokeAccess' | 'renew' | 'steal'; readonly socket: number }
  | { readonly kind: 'wait'; readonly seconds: number };

const SOCKETS = 3;
const STEP: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('message' as const), socket: fc.nat(SOCKETS - 1) }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constantFrom('revoke', 'revokeAccess', 'renew', 'steal'), socket: fc.nat(SOCKETS - 1) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('wait' as const), seconds: fc.integer({ min: 1, max: 1_200 }) }) },
);

/** What the specification says about one socket. */
interface Model {
  readonly pair: TokenPair;
  readonly socket: TestSocket;
  /** Epoch seconds at which the token of the socket expires. */
  exp: number;
  isRevoked: boolean;
}

describe.each(SOCKET_PLATFORMS)('random histories of sockets on %s', (platform) => {
  const app = new SocketApp(platform);
  beforeAll(() => app.start({ providers: [ClosedGateway], options: { access: { leeway: 0 } } }));
  afterAll(() => app.close());

  const open = async (subject: string): Promise<Model> => {
    const pair = await app.signIn(subject);
    const accessToken = await app.renewed(pair, subject);
    const socket = await app.connect({ headers: { authorization: `Bearer ${accessToken}` } });
    return { pair, socket, exp: await expOf(accessToken), isRevoked: false };
  };
  const expOf = async (token: string): Promise<number> => (await app.app.get(AccessTokenService).verify(token)).exp;
  const isGood = ({ exp, isRevoked }: Model): boolean => !isRevoked && app.clock.now() < exp * 1_000;

  async function renew(model: Model, subject: string): Promise<void> {
    if (model.isRevoked) return;
    const token = await app.renewed(model.pair, subject);
    const { event } = await model.socket.ask('authenticate', { token });
    expect(event).toBe(isGood(model) ? 'authenticated' : 'exception');
    if (event === 'authenticated') model.exp = await expOf(token);
  }

  async function take(step: Step, models: readonly Model[]): Promise<void> {
    if (step.kind === 'wait') {
      app.clock.advance(step.seconds * 1_000);
      return;
    }
    const model = models[step.socket]!;
    const subject = `user-${step.socket}`;
    if (step.kind === 'message') {
      const { event, data } = await model.socket.ask('me');
      expect([event, (data as { sub?: string }).sub]).toEqual(isGood(model) ? ['me', subject] : ['exception', undefined]);
    } else if (step.kind === 'renew') await renew(model, subject);
    else if (step.kind === 'steal') {
      const other = (step.socket + 1) % SOCKETS;
      const token = await app.renewed(models[other]!.pair, `user-${other}`);
      expect(await model.socket.ask('authenticate', { token })).toMatchObject({ event: 'exception' });
    } else {
      if (step.kind === 'revoke') await app.refresh.revoke(model.pair.sessionId);
      else await app.refresh.revokeAccess(model.pair.sessionId);
      model.isRevoked = true;
    }
  }

  it('let a message through exactly while the token of its socket is good, as the user who has opened the socket', async () => {
    const history = fc.asyncProperty(fc.array(STEP, { minLength: 5, maxLength: 25 }), async (steps) => {
      const models = await Promise.all(Array.from({ length: SOCKETS }, (_, index) => open(`user-${index}`)));
      for (const step of steps) await take(step, models);
      for (const { socket } of models) socket.close();
    });
    await fc.assert(history, { numRuns: runs(200) });
  }, 120_000);
});
