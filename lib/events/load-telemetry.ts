import { isMissingPackage } from '../errors/missing-package.js';
import { TokenOptionsError } from '../errors/token.errors.js';
import { OpenTelemetry } from './open-telemetry.js';
import type { Telemetry } from './telemetry.js';

/**
 * Loads OpenTelemetry for the option `telemetry`.
 * @param name name of the instance.
 * @throws {TokenOptionsError} rejects with it if the package is not installed.
 */
export async function loadTelemetry(name: string): Promise<Telemetry> {
  const api = await import('@opentelemetry/api').catch((error: unknown) => {
    if (!isMissingPackage(error)) throw error;
    const remedy = 'needs OpenTelemetry: run `npm install @opentelemetry/api`, or leave the option out';
    throw new TokenOptionsError('telemetry', remedy, { cause: error });
  });
  return new OpenTelemetry(name, api);
}
