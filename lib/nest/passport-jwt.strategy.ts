import { PassportStrategy } from '@nestjs/passport';
import passport from 'passport';
import { Strategy } from 'passport-jwt';
import type { AccessTokenService } from '../access-token/access-token.service.js';
import type { RequestCheck } from '../authentication/request-check.js';
import { TokenError, TokenOptionsError } from '../errors/token.errors.js';
import type { VerificationKey } from '../keys/key-source.js';
import { TOKEN_ALGORITHMS } from '../keys/key-source.js';
import type { PrincipalHooks } from '../principal/principal-hooks.js';
import type { Principal } from '../principal/principal.js';
import type { TokenRequest, TokenTransport } from '../transport/token-transport.js';
import { isSafeMethod } from './request-context.js';

/** What the strategy works with. */
export interface StrategyPorts {
  readonly accessTokens: AccessTokenService;
  readonly transport: TokenTransport;
  readonly hooks: PrincipalHooks;
  readonly check: RequestCheck;
}

/**
 * Registers our checks with passport under a name, so that routes on `AuthGuard('jwt')` keep working. Our own guard does not need it.
 * @returns a function that removes the strategy from passport's registry.
 * @throws {TokenOptionsError} if a strategy has that name already. passport would replace it without a word.
 */
export function registerPassportStrategy(name: string, ports: StrategyPorts): () => void {
  requireFree(name);
  const strategy = new (strategyClass(name, ports))();
  return () => {
    // Another application of this process may have taken the name since.
    if (registered(name) === strategy) passport.unuse(name);
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

function registered(name: string): unknown {
  return (passport as unknown as { _strategy(name: string): unknown })._strategy(name);
}

/**
 * Makes the class of the strategy. passport-jwt finds the token by our transport and verifies the signature with the key that we find. The
 * rest is up to the {@link AccessTokenService}, which judges the token as a whole. A token that names an EdDSA key goes to the
 * {@link AccessTokenService} at once, because passport-jwt verifies with jsonwebtoken, which does not know EdDSA.
 */
function strategyClass(name: string, { accessTokens, transport, hooks, check }: StrategyPorts): new () => Strategy {
  const tokenOf = (request: unknown): string => transport.read(request as TokenRequest).access?.token ?? '';
  return class AccessTokenJwtStrategy extends PassportStrategy(AccessTokenJwt, name) {
    constructor() {
      super({
        jwtFromRequest: tokenOf,
        secretOrKeyProvider: (_request: unknown, token: string, done: (error: unknown, key?: string) => void) => {
          void (async () => accessTokens.keyFor(token))().then(({ key }) => done(null, key as never), done);
        },
        algorithms: TOKEN_ALGORITHMS.filter((algorithm) => algorithm !== 'EdDSA'),
        ignoreExpiration: true,
        // eslint-disable-next-line @typescript-eslint/no-deprecated -- the types put passport-jwt's remark on the wrong option
        jsonWebTokenOptions: { ignoreNotBefore: true },
        passReqToCallback: true,
      });
    }

    override authenticate(request: never, options?: object): void {
      this.dispatch(request, options).catch((error: unknown) => this.error(error as Error));
    }

    private async dispatch(request: never, options?: object): Promise<void> {
      const key = await keyOrError(accessTokens, tokenOf(request));
      // An outage is no verdict on the token. For every other error, passport-jwt asks for the key again, and fails.
      if (key instanceof TokenError && key.getStatus() >= 500) this.error(key);
      else if (!(key instanceof Error) && key.algorithm === 'EdDSA') await this.admit(request);
      else super.authenticate(request, options);
    }

    private async admit(request: TokenRequest): Promise<void> {
      try {
        this.success(await this.validate(request));
      } catch (error) {
        this.error(error as Error);
      }
    }

    async validate(request: TokenRequest): Promise<Principal> {
      const claims = await accessTokens.verify(tokenOf(request));
      const credentials = transport.read(request);
      const isSafe = isSafeMethod(request.method);
      if (check.concerns(credentials)) await check.check('use', { request, credentials, sessionId: claims.sid, isSafe, claims });
      return hooks.principalOf(claims);
    }
  };
}

/** Returns the key that a token names, or why there is none. */
async function keyOrError(accessTokens: AccessTokenService, token: string): Promise<VerificationKey | Error> {
  try {
    return await accessTokens.keyFor(token);
  } catch (error) {
    return error as Error;
  }
}
