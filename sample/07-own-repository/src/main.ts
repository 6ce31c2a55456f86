import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { randomBytes } from 'node:crypto';

// So that the sample starts by itself. Give all nodes the same secret, and keep it, or every restart signs everybody out.
if (process.env.NODE_ENV !== 'production') process.env.TOKEN_SECRET ??= randomBytes(32).toString('base64url');

const { AppModule } = await import('./app.module.js');
const app = await NestFactory.create(AppModule);
app.enableShutdownHooks();
await app.listen(process.env.PORT ?? 3000, '127.0.0.1');
new Logger('OwnRepository').log(`listening on ${await app.getUrl()}`);
