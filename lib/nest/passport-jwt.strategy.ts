import { PassportStrategy } from '@nestjs/passport';
import passport from 'passport';
import { Strategy } from 'passport-jwt';
import type { AccessTokenClaims } from '../access-token/access-token.claims.js';
import type { AccessTokenService } from '../access-token/access-token.service.js';
import type { TokenRequest } from './request-context.js';
import type { Principal } from '../principal/principal.js';
import { TokenError, TokenInvalid, TokenOptionsError } from '../errors/token.errors.js';
import type { TokenTransport } from '../transport/token-transport.js';

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
  /**
   * Registers the strategy under a second name, that of the application's own guards.
   * @throws {TokenOptionsError} when a strategy has that name: passport would replace it without a word.
   */
  alsoAs(name: string): void;
  /** Takes the strategy out of passport's registry. */
  unregister(): void;
}

/**
 * passport-jwt with our extractor before it, our key look-up in it and our claim checks behind it.
 *
 * @param name unique to the module instance: passport's registry is one for the whole process.
 */
export function registerAccessTokenStrategy(name: string, parts: StrategyParts): AccessTokenStrategy {
  const strategy = new (strategyClass(name, parts))();
  const names = [name];
  return {
    run: (request) => run(strategy, request),
    alsoAs: (second) => {
      requireFree(second);
      passport.use(second, strategy);
      names.push(second);
    },
    unregister: () => {
      for (const one of names) if (registered(one) === strategy) passport.unuse(one);
    },
  };
}

function requireFree(name: string): void {
  const other = registered(name);
  if (other === undefined) return;
  const remedy =
    other instanceof AccessTokenJwt
      ? 'passport has one registry for the whole process: close the other application first, or take another name'
      : 'remove it from the providers, so that this one takes its place, or take another name';
  throw new TokenOptionsError('passportStrategy', `a strategy named '${name}' is registered with passport already: ${remedy}`);
}

/** Tells our strategies from those of the application. */
class AccessTokenJwt extends Strategy {}

/** Another application of this process may have taken the name since. */
function registered(name: string): unknown {
  return (passport as unknown as { _strategy(name: string): unknown })._strategy(name);
}

function strategyClass(name: string, { accessTokens, transport, principalOf }: StrategyParts): new () => Strategy {
  const tokenOf = (request: unknown): string => transport.accessToken(request as TokenRequest) ?? '';
  return class AccessTokenJwtStrategy extends PassportStrategy(AccessTokenJwt, name) {
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
