/** The tokens that a client stores after a sign-in. */
export interface Pair {
  readonly access: string;
  readonly refresh: string;
}

/** A response, as the demo looks at it. */
export interface DemoResponse {
  readonly status: number;
  readonly body: Record<string, unknown>;
  /** The new pair in the response headers, or null. If the response has no refresh token, the pair keeps the old one. */
  readonly pair: Pair | null;
}

const PASSWORD = 'correct horse battery staple';

/** Calls the sample as a client would: it sends both tokens with each request, and tokens in the response headers replace them. */
export class Client {
  constructor(private readonly url: string) {}

  async signIn(username: string, device: string): Promise<Pair> {
    const response = await fetch(`${this.url}/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'user-agent': device },
      body: JSON.stringify({ username, password: PASSWORD }),
    });
    const { access_token: access, refresh_token: refresh } = (await response.json()) as Record<string, string>;
    if (!response.ok || access === undefined || refresh === undefined) throw new Error(`the sign-in returned ${response.status}`);
    return { access, refresh };
  }

  /** Sends a request with both tokens of a pair, with one of them, or with none. */
  async call(path: string, { access, refresh }: Partial<Pair>, method = 'GET'): Promise<DemoResponse> {
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: {
        ...(access !== undefined && { authorization: `Bearer ${access}` }),
        ...(refresh !== undefined && { 'x-refresh-token': refresh }),
      },
    });
    const text = await response.text();
    const newAccess = response.headers.get('authorization')?.replace('Bearer ', '');
    const newRefresh = response.headers.get('x-refresh-token') ?? refresh;
    return {
      status: response.status,
      body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>),
      pair: newAccess !== undefined && newRefresh !== undefined ? { access: newAccess, refresh: newRefresh } : null,
    };
  }
}
