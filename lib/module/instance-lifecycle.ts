import type { OnModuleDestroy, OnModuleInit } from '@nestjs/common';
import { Logger } from '@nestjs/common';
import type { AccessTokenService } from '../access-token/access-token.service.js';
import type { Clock } from '../clock.js';
import { legacyWarnings } from '../options/resolve-legacy-options.js';
import type { ResolvedTokenOptions } from '../options/resolve-options.js';
import type { RevocationHints } from '../revocation/revocation-hints.js';
import type { RevocationList } from '../revocation/revocation-list.js';
import type { SessionJanitor } from '../session/session-janitor.js';
import type { SessionUses } from '../session/session-uses.js';
import type { TokenRepository } from '../session/token-repository.js';
import { ModuleInstance } from './module-instance.js';

/** The parts of an instance that have to be started or stopped. */
export interface LifecyclePorts {
  readonly repository: TokenRepository;
  readonly revocations: RevocationList;
  /** Null if there is no push channel. */
  readonly hints: RevocationHints | null;
  readonly janitor: SessionJanitor;
  /** Null if the last use of sessions is not noted. */
  readonly uses: SessionUses | null;
  readonly accessTokens: AccessTokenService;
  readonly clock: Clock;
}

/** Starts an instance before the application listens, and stops it when the application closes. */
export class InstanceLifecycle extends ModuleInstance implements OnModuleInit, OnModuleDestroy {
  constructor(
    name: string,
    override readonly options: ResolvedTokenOptions,
    private readonly ports: LifecyclePorts,
  ) {
    super(name, options, options.access.ring);
  }

  /** Checks the store, and reads what has been revoked recently. */
  async onModuleInit(): Promise<void> {
    const logger = new Logger('TokenModule');
    const { repository, revocations, janitor, clock } = this.ports;
    for (const warning of [...this.options.warnings, ...legacyWarnings(this.options, clock.now())]) logger.warn(warning);
    await repository.check();
    await revocations.start();
    janitor.start();
  }

  async onModuleDestroy(): Promise<void> {
    const { revocations, janitor, uses, accessTokens, hints } = this.ports;
    revocations.stop();
    janitor.stop();
    accessTokens.cache?.clear();
    await uses?.stop();
    await hints?.close();
  }
}
