import 'reflect-metadata';
import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { AppModule } from './app.module.js';
import { explain, readEnvironment } from './environment.js';

/** Logs are held back until the application has started, so that an application that cannot start prints one line and nothing else. */
const OPTIONS = { abortOnError: false, bufferLogs: true, autoFlushLogs: false };

async function start(): Promise<void> {
  const environment = readEnvironment(process.env);
  const adapter = environment.httpAdapter === 'fastify' ? new FastifyAdapter() : new ExpressAdapter();
  const app = await NestFactory.create(AppModule.forRoot(environment), adapter, OPTIONS);
  app.enableShutdownHooks();
  await app.listen(environment.port, environment.host);
  app.flushLogs();
  new Logger('Reference').log(`listening on ${await app.getUrl()} (${environment.httpAdapter})`);
}

start().catch((error: unknown) => {
  console.error(`reference: ${explain(error)}`);
  process.exit(1);
});
