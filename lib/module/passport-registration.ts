import type { OnApplicationBootstrap, OnModuleDestroy } from '@nestjs/common';
import type { StrategyPorts } from '../nest/passport-jwt.strategy.js';

/** Keeps a passport strategy registered while the application runs. passport is loaded only if an application asks for it. */
export class PassportRegistration implements OnApplicationBootstrap, OnModuleDestroy {
  private unregister: (() => void) | undefined;

  constructor(
    private readonly strategyName: string,
    private readonly ports: StrategyPorts,
  ) {}

  /**
   * Registers the strategy. The application registers its own while providers are made or in `onModuleInit`, so all of them are there by
   * now.
   */
  async onApplicationBootstrap(): Promise<void> {
    const { registerPassportStrategy } = await import('../nest/passport-jwt.strategy.js');
    this.unregister = registerPassportStrategy(this.strategyName, this.ports);
  }

  onModuleDestroy(): void {
    this.unregister?.();
  }
}
