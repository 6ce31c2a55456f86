import type { AccessTokenService, RefreshService, TokenRepository, TokenTransport } from 'nestjs-token';
import { Clock, TokenRepository as RepositoryToken } from 'nestjs-token';
import type { ResolvedTokenOptions } from './lib.js';
import {
  accessTokenServiceToken,
  InstanceLifecycle,
  instanceProviders,
  refreshServiceToken,
  RESOLVED_OPTIONS,
  REVOCATION_HINTS,
  revocationSettings,
  RevocationList,
  SessionRotator,
  tokenTransportToken,
} from './lib.js';

/** What an instance is composed from. */
export interface InstanceSource {
  readonly name?: string;
  readonly options: ResolvedTokenOptions;
  readonly repository: TokenRepository;
  readonly clock: Clock;
  /** From one poll for revocations to the next, milliseconds. @defaultValue half a second */
  readonly pollIntervalMs?: number | undefined;
}

/** An instance as Nest's container makes it, without an application. */
export interface ComposedInstance {
  readonly name: string;
  readonly options: ResolvedTokenOptions;
  readonly accessTokens: AccessTokenService;
  readonly refresh: RefreshService;
  readonly rotator: SessionRotator;
  readonly transport: TokenTransport;
  onModuleInit(): Promise<void>;
  onModuleDestroy(): Promise<void>;
}

/** Makes what the module's providers make, by the same factories. Nothing is started. */
export function composeInstance({ name = 'default', options, repository, clock, pollIntervalMs }: InstanceSource): ComposedInstance {
  const made = new Map<unknown, unknown>([
    [RESOLVED_OPTIONS, options],
    [RepositoryToken, repository],
    [Clock, clock],
  ]);
  const providers = new Map(instanceProviders(name).map((provider) => [provider.provide, provider]));
  const get = (token: unknown): unknown => {
    if (made.has(token)) return made.get(token);
    const { inject = [], useFactory } = providers.get(token as never)!;
    made.set(token, useFactory(...inject.map(get)));
    return made.get(token);
  };
  if (pollIntervalMs !== undefined)
    made.set(RevocationList, pollingEvery(pollIntervalMs, { name, options, repository, hints: get(REVOCATION_HINTS) }));
  const lifecycle = get(InstanceLifecycle) as InstanceLifecycle;
  return {
    name,
    options,
    accessTokens: get(accessTokenServiceToken(name)) as AccessTokenService,
    refresh: get(refreshServiceToken(name)) as RefreshService,
    rotator: get(SessionRotator) as SessionRotator,
    transport: get(tokenTransportToken(name)) as TokenTransport,
    onModuleInit: () => lifecycle.onModuleInit(),
    onModuleDestroy: () => lifecycle.onModuleDestroy(),
  };
}

/** The list of revocations of an instance with another interval between its polls. */
export function pollingEvery(
  intervalMs: number | undefined,
  { name, options, repository, hints }: { name: string; options: ResolvedTokenOptions; repository: TokenRepository; hints: unknown },
): RevocationList {
  return new RevocationList(repository, { ...revocationSettings(name, options), intervalMs }, { hints: hints as never });
}
