import { UseGuards } from '@nestjs/common';
import type { OnGatewayConnection } from '@nestjs/websockets';
import { ConnectedSocket, MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import type { Principal } from 'nestjs-token';
import { CurrentUser, JwtAuthGuard, Public, TokenSockets } from 'nestjs-token';
import type { Socket } from 'socket.io';
import type { WebSocket } from 'ws';

@WebSocketGateway()
@UseGuards(JwtAuthGuard)
export class OrdersGateway {
  @SubscribeMessage('orders')
  list(@CurrentUser() user: Principal) {
    return { event: 'orders', data: [`an order of ${user.sub}`] };
  }
}

@WebSocketGateway({ namespace: 'news' })
@UseGuards(JwtAuthGuard)
export class NewsGateway implements OnGatewayConnection {
  constructor(private readonly sockets: TokenSockets) {}

  async handleConnection(client: Socket) {
    const user = this.sockets.callerOf(client);
    if (user) await client.join(`user:${user.sub}`);
  }
}

@WebSocketGateway({ path: '/first-message' })
@UseGuards(JwtAuthGuard)
export class FirstMessageGateway {
  constructor(private readonly sockets: TokenSockets) {}

  @SubscribeMessage('authenticate')
  @Public()
  async authenticate(@ConnectedSocket() client: WebSocket, @MessageBody('token') token: unknown) {
    const { exp } = await this.sockets.authenticate(client, token);
    return { event: 'authenticated', data: { exp } };
  }

  @SubscribeMessage('orders')
  list(@CurrentUser('sub') sub: string) {
    return { event: 'orders', data: [`an order of ${sub}`] };
  }
}
