import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { randomBytes } from 'node:crypto';

// A secret of its own for each start is enough, because the sessions of this sample are in memory too.
process.env.TOKEN_SECRET ??= randomBytes(32).toString('base64url');
const { AppModule } = await import('./app.module.js');

const app = await NestFactory.create(AppModule);
app.enableShutdownHooks();
await app.listen(process.env.PORT ?? 3000, '127.0.0.1');
new Logger('Chat').log(`listening on ${await app.getUrl()}`);
