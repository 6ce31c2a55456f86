import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AccessTokenService } from 'nestjs-token';
import { randomBytes } from 'node:crypto';

// A secret of its own for each start is enough, because the sessions of this sample are in memory too.
process.env.TOKEN_SECRET ??= randomBytes(32).toString('base64url');
const { AuthServerModule } = await import('./auth-server.module.js');
const { KeyStore } = await import('./key-store.js');

const logger = new Logger('AuthServer');
const app = await NestFactory.create(AuthServerModule);
app.enableShutdownHooks(['SIGTERM', 'SIGINT']);

// Each SIGHUP takes the rotation of the key one phase further, without a restart.
process.on('SIGHUP', () => {
  const phase = app.get(KeyStore, { strict: false }).advance();
  void app
    .get(AccessTokenService)
    .reloadKeys()
    .then(() => logger.log(`keys: ${phase}`));
});

await app.listen(process.env.PORT ?? 3001, '127.0.0.1');
logger.log(`listening on ${await app.getUrl()}`);
