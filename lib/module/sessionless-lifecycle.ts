import type { OnModuleDestroy, OnModuleInit } from '@nestjs/common';
import { Logger } from '@nestjs/common';
import type { AccessTokenService } from '../access-token/access-token.service.js';
import type { Clock } from '../clock.js';
import type { KeySource } from '../keys/key-source.js';
import { RemoteKeySource } from '../keys/remote-key-source.js';
import { legacyWarnings } from '../options/resolve-legacy-options.js';
import type { RequestOptions } from '../options/resolve-options.js';
import { ModuleInstance } from './module-instance.js';

/** The parts of an instance without sessions that have to be started or stopped. */
export interface SessionlessPorts {
  readonly keys: KeySource;
  readonly accessTokens: AccessTokenService;
  readonly clock: Clock;
}

/** Starts an instance without sessions before the application listens, and stops it when the application closes. */
export class SessionlessLifecycle extends ModuleInstance implements OnModuleInit, OnModuleDestroy {
  constructor(
    name: string,
    options: RequestOptions,
    private readonly ports: SessionlessPorts,
  ) {
    super(name, options, ports.keys);
  }

  /** Fetches the keys if they are those of another service, so that the first request does not wait for them. */
  async onModuleInit(): Promise<void> {
    const { keys, clock } = this.ports;
    const logger = new Logger('TokenModule');
    const { warnings, legacy } = this.options;
    for (const warning of [...warnings, ...legacyWarnings({ legacy }, clock.now())]) logger.warn(warning);
    if (keys instanceof RemoteKeySource) await keys.start();
  }

  onModuleDestroy(): void {
    this.ports.accessTokens.cache?.clear();
  }
}
