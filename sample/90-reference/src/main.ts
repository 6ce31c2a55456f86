import 'reflect-metadata';
import { Logger } from '@nestjs/common';
import type { AbstractHttpAdapter } from '@nestjs/core';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { AppModule } from './app.module.js';
import type { Environment } from './environment.js';
import { explain, readEnvironment } from './environment.js';

/** Logs are held back until the application has started, so that an application that cannot start prints one line and nothing else. */
const OPTIONS = { abortOnError: false, bufferLogs: true, autoFlushLogs: false };

async function start(): Promise<void> {
  const environment = readEnvironment(process.env);
  const app = await NestFactory.create(AppModule.forRoot(environment), adapterOf(environment), {
    ...OPTIONS,
    ...(environment.tls && { httpsOptions: environment.tls }),
  });
  app.enableShutdownHooks();
  await app.listen(environment.port, environment.host);
  app.flushLogs();
  const logger = new Logger('Reference');
  if (needsProxy(environment)) logger.warn(PROXY_HINT);
  logger.log(`listening on ${await app.getUrl()} (${environment.httpAdapter}, tokens: ${environment.transport})`);
}

/** Nest hands `httpsOptions` to Express only. */
function adapterOf({ httpAdapter, tls }: Environment): AbstractHttpAdapter {
  if (httpAdapter === 'express') return new ExpressAdapter();
  return tls ? new FastifyAdapter({ https: tls }) : new FastifyAdapter();
}

/** Browsers send these cookies over https only. The application works, but not if a browser opens its own address. */
function needsProxy({ transport, insecureCookies, tls }: Environment): boolean {
  return transport !== 'header' && !insecureCookies && !tls;
}

const PROXY_HINT =
  'cookies are Secure, and this server speaks plain http: open it through a proxy that ends TLS, or set TLS_CERT and TLS_KEY, ' +
  'or set COOKIE_INSECURE=true during development';

start().catch((error: unknown) => {
  console.error(`reference: ${explain(error)}`);
  process.exit(1);
});
