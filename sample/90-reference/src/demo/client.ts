/** What a client keeps of a sign-in. */
export interface Pair {
  readonly access: string;
  readonly refresh: string;
}

/** What came back. */
export interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
  /** The new pair in the headers of the answer, or null. Its refresh token is the old one where none came. */
  readonly pair: Pair | null;
}

const PASSWORD = 'correct horse battery staple';

/** Calls the sample as a client would: both tokens go with each request, and what comes back in the headers replaces them. */
export class Client {
  constructor(private readonly url: string) {}

  async signIn(username: string, device: string): Promise<Pair> {
    const response = await fetch(`${this.url}/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'user-agent': device },
      body: JSON.stringify({ username, password: PASSWORD }),
    });
    const { access_token: access, refresh_token: refresh } = (await response.json()) as Record<string, string>;
    if (!response.ok || access === undefined || refresh === undefined) throw new Error(`the sign-in was answered with ${response.status}`);
    return { access, refresh };
  }

  /** @param tokens both of a pair, or one of them. */
  async call(path: string, { access, refresh }: Partial<Pair>, method = 'GET'): Promise<Answer> {
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
