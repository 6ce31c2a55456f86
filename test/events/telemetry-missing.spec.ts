import { describe, expect, it, jest } from '@jest/globals';

jest.unstable_mockModule('@opentelemetry/api', () => {
  throw Object.assign(new Error("Cannot find package '@opentelemetry/api'"), { code: 'ERR_MODULE_NOT_FOUND' });
});
const { startApp } = await import('../support/app.js');
const { InMemoryTokenRepository } = await import('nestjs-token/testing');

describe('An application without @opentelemetry/api', () => {
  it('refuses to start with telemetry: true, and names the command that installs it', async () => {
    const starting = startApp({ options: { repository: InMemoryTokenRepository, telemetry: true } });
    await expect(starting).rejects.toMatchObject({
      name: 'TokenOptionsError',
      option: 'telemetry',
      message: 'telemetry: needs OpenTelemetry: run `npm install @opentelemetry/api`, or leave the option out',
    });
  });

  it('starts without the option', async () => {
    const running = await startApp({ options: { repository: InMemoryTokenRepository, telemetry: false } });
    expect((await running.call('/me')).status).toBe(401);
    await running.close();
  });
});
