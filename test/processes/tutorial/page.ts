import type { AxiosResponse, InternalAxiosRequestConfig } from 'axios';
import axios, { AxiosError, AxiosHeaders, CanceledError } from 'axios';
import { setMaxListeners } from 'node:events';
import type { Answer } from '../../support/app.js';
import type { Browser } from '../../support/browser.js';
import type { Api, PageWindow } from './interceptors.js';

/** A page of the application in a browser. Its requests go through the browser, which adds its cookies and says where they come from. */
export class Page {
  /** The requests that the page has sent, such as `GET /me`, and the status of each response, or `lost`. */
  readonly traffic: string[] = [];
  /** Where the page has sent its visitor. */
  readonly visits: string[] = [];
  readonly api: Api;
  private readonly unloading = new AbortController();

  constructor(
    private readonly browser: Browser,
    create: (client: ReturnType<typeof axios.create>, window: PageWindow) => Api,
  ) {
    const { visits, unloading } = this;
    setMaxListeners(0, unloading.signal);
    const location = {
      get href(): string {
        return visits.at(-1) ?? '/';
      },
      /** A browser leaves the page, and gives its requests up. Code of a page that has been left runs no more. */
      set href(address: string) {
        if (unloading.signal.aborted) return;
        visits.push(address);
        unloading.abort();
      },
    };
    this.api = create(axios.create({ adapter: (config) => this.send(config) }), { location });
  }

  /** Gives up all requests that are under way, as a browser does when a page is loaded again. */
  unload(): void {
    this.unloading.abort();
  }

  get(path: string): Promise<AxiosResponse<Record<string, unknown>>> {
    return this.api.api.get(path);
  }

  private async send(config: InternalAxiosRequestConfig): Promise<AxiosResponse> {
    const { pathname, search } = new URL(axios.getUri(config));
    const method = (config.method ?? 'get').toUpperCase();
    const authorization = config.headers.get('Authorization');
    const answer = await this.browser
      .fetch(pathname + search, {
        method,
        signal: this.unloading.signal,
        headers: typeof authorization === 'string' ? { authorization } : {},
        ...(config.data !== undefined && { body: config.data as string }),
      })
      .catch(() => null);
    this.traffic.push(`${method} ${pathname} ${answer?.status ?? 'lost'}`);
    if (!answer) throw new CanceledError();
    return settled(config, answer);
  }
}

/** Hands a response to the interceptors, as the adapters of axios do. */
function settled(config: InternalAxiosRequestConfig, { status, text, headers }: Answer): AxiosResponse {
  const response: AxiosResponse = {
    status,
    statusText: '',
    data: text,
    headers: new AxiosHeaders(headers as Record<string, string>),
    config,
  };
  if (config.validateStatus?.(status) ?? true) return response;
  throw new AxiosError(`Request failed with status code ${status}`, AxiosError.ERR_BAD_REQUEST, config, null, response);
}
