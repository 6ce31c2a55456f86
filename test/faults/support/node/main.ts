import './skewed-date.js';
import './timer-census.js';
import 'reflect-metadata';
import { startNode } from './app.js';
import type { NodeConfig } from './node-config.js';

process.on('unhandledRejection', (reason) => process.send?.({ unhandled: String(reason) }));
process.on('uncaughtExceptionMonitor', (error) => process.send?.({ unhandled: String(error) }));
// The test has gone: nobody else would end this process.
process.on('disconnect', () => process.exit(1));

process.send?.(await startNode(JSON.parse(process.env['NODE_SETUP'] ?? '{}') as NodeConfig));
