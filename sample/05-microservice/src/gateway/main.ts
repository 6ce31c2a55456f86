import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { randomBytes } from 'node:crypto';

process.env.TOKEN_SECRET ??= randomBytes(32).toString('base64url');
const { GatewayModule } = await import('./gateway.module.js');

const app = await NestFactory.create(GatewayModule);
app.enableShutdownHooks();
await app.listen(process.env.PORT ?? 3000, '127.0.0.1');
new Logger('Gateway').log(`listening on ${await app.getUrl()}`);
