import { PassportStrategy } from '@nestjs/passport';
import passport from 'passport';
import { Strategy } from 'passport-jwt';
import type { AccessTokenClaims } from '../access-token/access-token.claims.js';
import type { AccessTokenService } from '../access-token/access-token.service.js';
import type { TokenRequest } from '../execution-context.js';
import type { Principal } from '../principal/principal.js';
import { TokenError, TokenInvalid } from '../token.errors.js';
import type { TokenTransport } from './token-transport.js';

/** What the strategy is made of. */
export interface StrategyParts {
  readonly accessTokens: AccessTokenService;
  readonly transport: TokenTransport;
  /** From verified claims to the caller: asks `loadUser`. */
  readonly principalOf: (claims: AccessTokenClaims) => Promise<Principal>;
}

/** A registered passport-jwt strategy. */
export interface AccessTokenStrategy {
  /** Verifies the access token of a request. @throws {TokenError} */
  run(request: TokenRequest): Promise<Principal>;
  /** Takes the strategy out of passport's registry. */
  unregister(): void;
}

/**
 * passport-jwt with our extractor before it, our key look-up in it and our claim checks behind it. Registered under each of the names:
 * passport's registry is one for the whole process, so the first name is unique to the module instance.
 */
export function registerAccessTokenStrategy(names: readonly [string, ...string[]], parts: StrategyParts): AccessTokenStrategy {
  const strategy = new (strategyClass(names[0], parts))();
  for (const name of names) passport.use(name, strategy);
  return {
    run: (request) => run(strategy, request),
    unregister: () => {
      for (const name of names) if (registered(name) === strategy) passport.unuse(name);
    },
  };
}

/** Another application of this process may have taken the name since. */
function registered(name: string): unknown {
  return (passport as unknown as { _strategy(name: string): unknown })._strategy(name);
}

function strategyClass(name: string, { accessTokens, transport, principalOf }: StrategyParts): new () => Strategy {
  const tokenOf = (request: unknown): string => transport.accessToken(request as TokenRequest) ?? '';
  return class AccessTokenJwtStrategy extends PassportStrategy(Strategy, name) {
    constructor() {
      super({
        jwtFromRequest: tokenOf,
        secretOrKeyProvider: (_request: unknown, token: string, done: (error: unknown, key?: string) => void) => {
          try {
            done(null, accessTokens.keyFor(token).key as never);
          } catch (error) {
            done(error);
          }
        },
        algorithms: accessTokens.algorithms,
        ignoreExpiration: true,
        // eslint-disable-next-line @typescript-eslint/no-deprecated -- the types put passport-jwt's remark on the wrong option
        jsonWebTokenOptions: { ignoreNotBefore: true },
        passReqToCallback: true,
      });
    }

    async validate(request: unknown, payload: unknown): Promise<Principal> {
      return principalOf(await accessTokens.accept(tokenOf(request), payload));
    }
  };
}

/** One run on a copy, as passport does it, without passport's middleware and what it leaves on the request. */
function run(strategy: Strategy, request: TokenRequest): Promise<Principal> {
  return new Promise((resolve, reject) => {
    const attempt = Object.create(strategy) as Strategy;
    attempt.success = (principal: unknown) => resolve(principal as Principal);
    attempt.fail = (info: unknown) => reject(info instanceof TokenError ? info : new TokenInvalid());
    attempt.error = reject;
    attempt.authenticate(request as never, {});
  });
}
