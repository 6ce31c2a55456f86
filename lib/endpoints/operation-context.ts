import type { ExecutionContext } from '@nestjs/common';
import { createParamDecorator } from '@nestjs/common';
import { contextOf } from '../nest/contexts.js';
import type { RequestContext } from '../nest/request-context.js';

/** Parameter decorator. Gives the operation as the guard sees it. */
export const OperationContext = createParamDecorator((_: unknown, host: ExecutionContext): RequestContext => contextOf(host));
