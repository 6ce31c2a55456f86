/** One server of `bench/burst.ts`, in a process of its own: `burst-server.js <engine> <schema>`. */
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { AddressInfo } from 'node:net';
import { serveParent } from './child-server.js';
import type { Engine } from './database.js';
import { connectionTo } from './database.js';
import { tokenApp } from './token-app.js';

const [engine = 'postgres', schema = ''] = process.argv.slice(2);
const events: Record<string, number> = {};
const module = tokenApp({ connection: connectionTo(engine as Engine, schema), events });
const app = await NestFactory.create<NestFastifyApplication>(module, new FastifyAdapter(), { logger: false });
await app.listen(0, '127.0.0.1');
const { port } = app.getHttpServer().address() as AddressInfo;
serveParent({ port }, events);
