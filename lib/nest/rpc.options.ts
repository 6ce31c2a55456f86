/**
 * Options of the messages of microservices.
 *
 * @example
 * ```ts
 * TokenModule.forRoot({ …, rpc: { field: 'accessToken' } });
 * client.send('reports.list', { month: '2026-11', accessToken });
 * ```
 */
export interface RpcOptions {
  /**
   * Member of the payload that carries the access token, for transports without headers, such as TCP and Redis. The guard removes it from
   * the payload, so that no handler logs or stores it. A token in the headers of the message comes first.
   * @defaultValue none
   */
  field?: string;
}
