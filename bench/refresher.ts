import 'reflect-metadata';
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { RefreshOptions } from 'nestjs-token';
import { RefreshService } from 'nestjs-token';
import type { BenchDatabase } from './database.js';
import { connectionTo } from './database.js';
import type { RefreshTokenCodec } from './internals.js';
import { codecOf, refreshTokenOf } from './internals.js';
import { tokenApp } from './token-app.js';

/** Refreshes the sessions of one database without HTTP. Each session is refreshed once. */
export class Refresher {
  private readonly used = new Set<number>();

  private constructor(
    readonly app: INestApplicationContext,
    readonly codec: RefreshTokenCodec,
    private readonly sessions: { from: number; count: number },
  ) {}

  static async open(
    { engine, name }: BenchDatabase,
    sessions: { from: number; count: number },
    refresh: RefreshOptions = {},
  ): Promise<Refresher> {
    const module = tokenApp({ connection: connectionTo(engine, name), refresh, controllers: [] });
    const app = await NestFactory.createApplicationContext(module, { logger: false });
    return new Refresher(app, codecOf(app), sessions);
  }

  get refresh(): RefreshService {
    return this.app.get(RefreshService);
  }

  /** Refreshes a random session. @returns how long that took, in milliseconds. */
  async refreshAny(): Promise<number> {
    const token = refreshTokenOf(this.codec, this.pick());
    const startedAt = performance.now();
    const { outcome } = await this.refresh.rotate(token);
    const tookMs = performance.now() - startedAt;
    if (outcome !== 'rotated') throw new Error(`not rotated: ${outcome}`);
    return tookMs;
  }

  private pick(): number {
    const { from, count } = this.sessions;
    if (this.used.size >= count) throw new Error('every session has been refreshed');
    let index: number;
    do index = from + Math.floor(Math.random() * count);
    while (this.used.has(index));
    this.used.add(index);
    return index;
  }
}
