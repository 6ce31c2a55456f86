import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ResourceServerModule } from './resource-server.module.js';

const app = await NestFactory.create(ResourceServerModule);
app.enableShutdownHooks();
await app.listen(process.env.PORT ?? 3000, '127.0.0.1');
new Logger('ResourceServer').log(`listening on ${await app.getUrl()}`);
