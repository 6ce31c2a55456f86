import type { RpcOptions } from '../nest/rpc.options.js';
import type { Schema } from './option-kinds.js';

/** The options `rpc.…`. */
export const RPC = {
  field: { kind: 'label', wanted: 'the name of a member of the payload', defaultNote: 'none' },
} as const satisfies Schema<RpcOptions>;
