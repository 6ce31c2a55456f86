/** Options of the messages of microservices. */
export interface RpcOptions {
  /**
   * Member of the payload that carries the access token, for transports without headers, such as TCP and Redis. The guard removes it from
   * the payload before the handler gets it. A token in the headers of the message comes first. @defaultValue none
   * @example
   * ```ts
   * TokenModule.forRoot({ …, rpc: { field: 'accessToken' } });
   * client.send('reports.list', { month: '2026-11', accessToken });
   * ```
   */
  field?: string;
}
