import { Controller, Get, Module, UseGuards } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { TypeOrmModule } from '@nestjs/typeorm';
import type { AddressInfo } from 'node:net';
import type { Principal, TokenPair } from 'nestjs-token';
import { CurrentUser, JwtAuthGuard, RefreshService, TokenModule } from 'nestjs-token';
import type { SignedIn, WorkerSetup } from './messages.js';
import { WORKER_OPTIONS } from './messages.js';
import type { Program } from './program.js';

@Controller()
@UseGuards(JwtAuthGuard)
class MeController {
  @Get('me')
  me(@CurrentUser() user: Principal): Principal {
    return user;
  }
}

function signedIn({ sessionId, refreshToken = '', accessToken }: TokenPair): SignedIn {
  return { sessionId, refreshToken, accessToken };
}

/** The bridge to the tokens of an old application: all of them begin alike, and end in their subject. */
const LEGACY = {
  until: new Date(Date.now() + 86_400_000),
  exchange: (token: string) => (token.startsWith('old-') ? { subject: token.slice(-5) } : null),
};

/** An application on Fastify with a route behind the guard. */
export async function startApplication(setup: WorkerSetup): Promise<Program> {
  let rotations = 0;
  const onEvent = ({ type }: { type: string }): number => (rotations += Number(type === 'rotated'));
  @Module({
    imports: [
      TypeOrmModule.forRoot({ ...setup.dataSource, autoLoadEntities: true, synchronize: false }),
      TokenModule.forRoot({ ...WORKER_OPTIONS, legacy: LEGACY, ...setup.options, onEvent }),
    ],
    controllers: [MeController],
  })
  class AppModule {}
  const app = await NestFactory.create(AppModule, new FastifyAdapter(), { logger: ['error', 'fatal'] });
  await app.listen(0, '127.0.0.1');
  const refresh = app.get(RefreshService);
  const { port } = app.getHttpServer().address() as AddressInfo;
  return {
    port,
    async carryOut(command) {
      switch (command.do) {
        case 'sign in':
          return Promise.all(command.subjects.map((subject) => refresh.signIn(subject).then(signedIn)));
        case 'sign out':
          return Promise.all(command.tokens.map((token) => refresh.signOut(token)));
        case 'count rotations':
          return rotations;
        default:
          throw new Error(`not for this process: ${command.do}`);
      }
    },
  };
}
