import { UseGuards } from '@nestjs/common';
import type { OnGatewayConnection } from '@nestjs/websockets';
import { ConnectedSocket, MessageBody, SubscribeMessage, WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { CurrentUser, JwtAuthGuard, TokenSockets } from 'nestjs-token';
import type { Server, Socket } from 'socket.io';

@WebSocketGateway()
@UseGuards(JwtAuthGuard)
export class ChatGateway implements OnGatewayConnection {
  @WebSocketServer()
  private readonly server!: Server;

  constructor(private readonly sockets: TokenSockets) {}

  /** Only sockets with a good token come here. */
  handleConnection(client: Socket): void {
    this.server.emit('joined', this.sockets.callerOf(client)?.sub);
  }

  @SubscribeMessage('say')
  say(@MessageBody() text: unknown, @CurrentUser('sub') from: string): void {
    this.server.emit('said', { from, text: String(text) });
  }

  /** The client sends its next access token here before the present one expires. */
  @SubscribeMessage('authenticate')
  async authenticate(@ConnectedSocket() client: Socket, @MessageBody('token') token: unknown): Promise<{ exp: number }> {
    const { exp } = await this.sockets.authenticate(client, token);
    return { exp };
  }
}
