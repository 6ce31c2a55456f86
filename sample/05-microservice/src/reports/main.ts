import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';
import { Transport } from '@nestjs/microservices';
import { ReportsModule } from './reports.module.js';

const port = Number(process.env.REPORTS_PORT ?? 3002);
const service = await NestFactory.createMicroservice<MicroserviceOptions>(ReportsModule, {
  transport: Transport.TCP,
  options: { host: '127.0.0.1', port },
});
service.enableShutdownHooks();
await service.listen();
new Logger('Reports').log(`listening on tcp://127.0.0.1:${port}`);
