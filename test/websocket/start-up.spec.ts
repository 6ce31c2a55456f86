import { afterEach, describe, expect, it } from '@jest/globals';
import { UseGuards } from '@nestjs/common';
import { ApplicationConfig, ModulesContainer } from '@nestjs/core';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { JwtAuthGuard, Public, TokenOptionsError } from 'nestjs-token';
import type { ServerOptions } from 'socket.io';
import type { AppSetup } from '../support/app.js';
import { startApp } from '../support/app.js';
import { requireMessageGuards } from '../support/lib.js';
import { ClosedGateway, GloballyGuardedGateway, SocketApp, TickerGateway } from './gateways.js';

const connectionStateRecovery = { maxDisconnectionDuration: 120_000 };

@WebSocketGateway({ connectionStateRecovery })
@UseGuards(JwtAuthGuard)
class RecoveringGateway {
  @SubscribeMessage('x')
  x(): void {}
}

@WebSocketGateway({ connectionStateRecovery, namespace: 'orders' })
@UseGuards(JwtAuthGuard)
class RecoveringNamespace {}

@WebSocketGateway({ connectionStateRecovery })
class UnguardedGateway {
  @SubscribeMessage('x')
  x(): void {}
}

/** An adapter whose author sets options of every server. */
class RecoveringAdapter extends IoAdapter {
  override createIOServer(port: number, options?: ServerOptions): ReturnType<IoAdapter['createIOServer']> {
    return super.createIOServer(port, { ...options, connectionStateRecovery } as ServerOptions);
  }
}

describe('a server of socket.io that recovers sockets', () => {
  const app = new SocketApp('socket.io');
  afterEach(() => app.close());

  it.each<[string, AppSetup]>([
    ['a guarded gateway', { providers: [RecoveringGateway] }],
    ['a guarded gateway in a namespace', { providers: [RecoveringNamespace] }],
    [
      'a guarded gateway, whose adapter says so',
      { providers: [ClosedGateway], prepare: (nest) => void nest.useWebSocketAdapter(new RecoveringAdapter(nest)) },
    ],
  ])('is refused at start-up for %s, because it would skip the verdict on the handshake', async (_, setup) => {
    await expect(app.start(setup)).rejects.toThrow(/connectionStateRecovery/);
    await expect(app.start(setup)).rejects.toThrow(TokenOptionsError);
  });

  it('is left alone where no gateway of it is guarded', async () => {
    await app.start({ providers: [UnguardedGateway] });
    expect((await app.connect()).isOpen).toBe(true);
  });
});

@WebSocketGateway()
class PublicGateway {
  @SubscribeMessage('x')
  @Public()
  x(): void {}
}

describe('a gateway that only a global guard guards', () => {
  const check = async (gateway: new (...args: never[]) => object, guardsMessages: boolean, globalGuard = true): Promise<void> => {
    const { app, close } = await startApp({ controllers: [], providers: [gateway], options: { globalGuard } });
    try {
      requireMessageGuards(app.get(ModulesContainer), app.get(ApplicationConfig), guardsMessages);
    } finally {
      await close();
    }
  };

  it('is refused at start-up on Nest 11, which runs no global guards for messages', async () => {
    await expect(check(GloballyGuardedGateway, false)).rejects.toThrow(TokenOptionsError);
    await expect(check(GloballyGuardedGateway, false)).rejects.toThrow(/GloballyGuardedGateway\.who/);
  });

  it.each([
    ['on Nest 12', GloballyGuardedGateway, true],
    ['if it is guarded itself', ClosedGateway, false],
    ['if it only sends', TickerGateway, false],
    ['if it is public', PublicGateway, false],
  ] as const)('is accepted %s', async (_, gateway, version) => {
    await expect(check(gateway, version)).resolves.toBeUndefined();
  });

  it('is accepted where there is no global guard', async () => {
    await expect(check(GloballyGuardedGateway, false, false)).resolves.toBeUndefined();
  });
});
