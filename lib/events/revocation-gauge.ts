import type { OnApplicationShutdown } from '@nestjs/common';
import type { RevocationList } from '../revocation/revocation-list.js';
import type { Telemetry } from './telemetry.js';

/** Measures the revocation lag while the application runs. */
export class RevocationGauge implements OnApplicationShutdown {
  private readonly stop: (() => void) | undefined;

  /** @param telemetry null if nothing is measured. */
  constructor(telemetry: Telemetry | null, revocations: RevocationList) {
    this.stop = telemetry?.observeLag(() => revocations.ageMs);
  }

  onApplicationShutdown(): void {
    this.stop?.();
  }
}
