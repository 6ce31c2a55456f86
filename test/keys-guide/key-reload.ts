import type { OnModuleDestroy, OnModuleInit } from '@nestjs/common';
import { Injectable, Logger } from '@nestjs/common';
import { AccessTokenService } from 'nestjs-token';

@Injectable()
export class KeyReload implements OnModuleInit, OnModuleDestroy {
  private readonly logger = new Logger(KeyReload.name);
  private timer?: NodeJS.Timeout;

  constructor(private readonly accessTokens: AccessTokenService) {}

  onModuleInit(): void {
    this.timer = setInterval(() => void this.reload(), 60_000);
  }

  onModuleDestroy(): void {
    clearInterval(this.timer);
  }

  async reload(): Promise<void> {
    try {
      await this.accessTokens.reloadKeys();
    } catch (error) {
      // The keys of before stay in use.
      this.logger.error('the keys could not be reloaded', error);
    }
  }
}
