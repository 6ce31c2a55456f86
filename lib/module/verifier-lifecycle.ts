import type { OnModuleDestroy, OnModuleInit } from '@nestjs/common';
import { Logger } from '@nestjs/common';
import type { AccessTokenService } from '../access-token/access-token.service.js';
import type { KeySource } from '../keys/key-source.js';
import { RemoteKeySource } from '../keys/remote-key-source.js';
import type { ResolvedVerifierOptions } from '../options/resolve-verifier-options.js';
import { ModuleInstance } from './module-instance.js';

/** Starts an instance that only verifies before the application listens, and stops it when the application closes. */
export class VerifierLifecycle extends ModuleInstance implements OnModuleInit, OnModuleDestroy {
  constructor(
    name: string,
    override readonly options: ResolvedVerifierOptions,
    private readonly ports: { readonly keys: KeySource; readonly accessTokens: AccessTokenService },
  ) {
    super(name, options, ports.keys);
  }

  /** Fetches the keys, so that the first request does not wait for them. */
  async onModuleInit(): Promise<void> {
    const { keys } = this.ports;
    const logger = new Logger('TokenModule');
    for (const warning of this.options.warnings) logger.warn(warning);
    if (keys instanceof RemoteKeySource) await keys.start();
  }

  onModuleDestroy(): void {
    this.ports.accessTokens.cache?.clear();
  }
}
