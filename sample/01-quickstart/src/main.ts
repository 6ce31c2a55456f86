import './development-secret.js'; // before the module, which reads TOKEN_SECRET
import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';

const app = await NestFactory.create(AppModule);
app.enableShutdownHooks();
await app.listen(process.env.PORT ?? 3000, '127.0.0.1');
new Logger('QuickStart').log(`listening on ${await app.getUrl()}`);
