import type { TokenRequest } from '../transport/token-transport.js';
import { isSafeMethod, RequestContext } from './request-context.js';

/** An HTTP request. */
export class HttpContext extends RequestContext {
  override readonly request: TokenRequest = this.host.switchToHttp().getRequest();

  override get response(): object | undefined {
    return this.host.switchToHttp().getResponse<object | undefined>();
  }

  override get operation(): object {
    return this.request;
  }

  override get isSafe(): boolean {
    return isSafeMethod(this.request.method);
  }
}
