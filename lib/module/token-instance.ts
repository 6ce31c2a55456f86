import type { OnApplicationBootstrap, OnModuleDestroy, OnModuleInit } from '@nestjs/common';
import { Logger } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { AccessTokenService } from '../access-token/access-token.service.js';
import { AccessTokenVerifier } from '../access-token/access-token.verifier.js';
import { VerifiedTokenCache } from '../access-token/verified-token.cache.js';
import type { Clock } from '../clock.js';
import type { AccessTokenStrategy } from '../nest/passport-jwt.strategy.js';
import { registerAccessTokenStrategy } from '../nest/passport-jwt.strategy.js';
import type { AnswerTerms } from '../nest/error-response.js';
import { OutageLog } from '../nest/error-response.js';
import { RequestAuthenticator } from '../authentication/request-authenticator.js';
import { TokenTransport } from '../transport/token-transport.js';
import type { ResolvedTokenOptions } from '../options/resolve-options.js';
import { RefreshService } from '../session/refresh.service.js';
import { RefreshTokenCodec } from '../session/refresh-token.codec.js';
import { RevocationHints } from '../revocation/revocation-hints.js';
import { RevocationList } from '../revocation/revocation-list.js';
import { SessionEvents } from '../events/session-log.js';
import { SessionJanitor } from '../session/session-janitor.js';
import type { SessionParts } from '../session/session-rotator.js';
import { SessionRotator } from '../session/session-rotator.js';
import { TokenMinter } from '../session/pair-issuer.js';
import type { TokenRepository } from '../session/token-repository.js';

/** What an instance is composed from. */
export interface InstanceSource {
  /** Name of the module instance. */
  readonly realm: string;
  readonly options: ResolvedTokenOptions;
  readonly repository: TokenRepository;
  readonly clock: Clock;
  /** A second name under which the strategy is registered with passport. */
  readonly passportStrategy?: string | undefined;
  /** For tests of the push channel: from one poll for revocations to the next, milliseconds. @defaultValue half a second */
  readonly pollIntervalMs?: number;
}

/** All parts of one module instance, composed in one place. */
export class TokenInstance implements OnModuleInit, OnApplicationBootstrap, OnModuleDestroy {
  readonly realm: string;
  readonly options: ResolvedTokenOptions;
  readonly clock: Clock;
  readonly accessTokens: AccessTokenService;
  readonly refresh: RefreshService;
  readonly rotator: SessionRotator;
  readonly transport: TokenTransport;
  readonly authenticator: RequestAuthenticator;
  readonly answers: AnswerTerms;
  private readonly repository: TokenRepository;
  private readonly revocations: RevocationList;
  private readonly hints: RevocationHints | null;
  private readonly janitor: SessionJanitor;
  private readonly cache: VerifiedTokenCache | null;
  private readonly strategy: AccessTokenStrategy;
  private readonly passportStrategy: string | undefined;

  constructor(source: InstanceSource) {
    const { realm, options, repository, clock } = source;
    const { access, header, hooks } = options;
    const scheme = header.scheme === '' ? 'Bearer' : header.scheme;
    this.realm = realm;
    this.options = options;
    this.clock = clock;
    this.repository = repository;
    this.hints = options.push && new RevocationHints(options.push, realm);
    const horizonMs = access.maxLifetimeMs + access.leewayMs;
    const { lockTimeoutMs } = options.patience;
    const terms = { realm, mode: options.revocation, horizonMs, lockTimeoutMs, intervalMs: source.pollIntervalMs };
    this.revocations = new RevocationList(repository, terms, this.hints);
    this.cache = access.cacheMax === null ? null : new VerifiedTokenCache(access.cacheMax);
    this.accessTokens = accessTokensOf(source, this.revocations, this.cache);
    const minter = new TokenMinter(this.accessTokens, { ...hooks, timeoutMs: options.hookTimeoutMs }, scheme);
    const sessions = sessionPartsOf(source, this.revocations, minter);
    this.rotator = new SessionRotator(sessions);
    this.janitor = new SessionJanitor(repository, realm, options.janitorMs);
    this.refresh = new RefreshService(sessions, this.rotator, this.janitor);
    this.transport = new TokenTransport(header);
    this.answers = { scheme, outages: new OutageLog(), ...(hooks.errorBody && { errorBody: hooks.errorBody }) };
    const { accessTokens, rotator, transport } = this;
    this.authenticator = new RequestAuthenticator({ accessTokens, rotator, minter, transport, strategy: () => this.strategy });
    this.passportStrategy = source.passportStrategy;
    this.strategy = registerAccessTokenStrategy(`nestjs-token:${realm}:${randomUUID()}`, {
      accessTokens,
      transport,
      principalOf: (claims) => this.authenticator.principalOf(claims),
    });
  }

  /** Before the application listens: the store is looked at, and what has been revoked lately is read. */
  async onModuleInit(): Promise<void> {
    const logger = new Logger('TokenModule');
    for (const warning of this.options.warnings) logger.warn(warning);
    await this.repository.check();
    await this.revocations.start();
    this.janitor.start();
  }

  /** Strategies of the application register while providers are made or in onModuleInit: by now, all of them are there. */
  onApplicationBootstrap(): void {
    if (this.passportStrategy !== undefined) this.strategy.alsoAs(this.passportStrategy);
  }

  async onModuleDestroy(): Promise<void> {
    this.revocations.stop();
    this.janitor.stop();
    this.cache?.clear();
    this.strategy.unregister();
    await this.hints?.close();
  }
}

function accessTokensOf(
  { options: { access }, clock }: InstanceSource,
  revocations: RevocationList,
  cache: VerifiedTokenCache | null,
): AccessTokenService {
  const verifier = new AccessTokenVerifier(access.ring, access);
  return new AccessTokenService({ terms: access, ring: access.ring, verifier, cache, revocations, clock });
}

function sessionPartsOf(source: InstanceSource, revocations: RevocationList, minter: TokenMinter): SessionParts {
  const { realm, options, repository, clock } = source;
  const { rules, idleMs, absoluteMs, ring } = options.refresh;
  const codec = new RefreshTokenCodec(realm, ring);
  const { timeoutMs: patienceMs } = options.patience;
  // The last round begins within one patience and ends within another; then come the two hooks.
  const presentationMs = 2 * patienceMs + 2 * options.hookTimeoutMs;
  return {
    realm,
    rules,
    idleMs,
    absoluteMs,
    patienceMs,
    presentationMs,
    repository,
    codec,
    minter,
    revocations,
    events: new SessionEvents(options.hooks.onEvent),
    clock,
  };
}
