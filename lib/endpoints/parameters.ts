import { OAuthError } from './oauth-error.js';

/** The parameters of a request to an OAuth endpoint: the members of its body, whether they came as a form or as JSON (RFC 6749 §3.2). */
export class Parameters {
  private readonly members: Readonly<Record<string, unknown>>;

  /** @param body the body as the application has parsed it. Without one there are no parameters. */
  constructor(body: unknown) {
    this.members = typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
  }

  /**
   * Returns a parameter. One without a value counts as omitted.
   * @throws {OAuthError} `invalid_request` if it came twice, or is no text.
   */
  get(name: string): string | undefined {
    const value = Object.hasOwn(this.members, name) ? this.members[name] : undefined;
    if (value === undefined || value === null || value === '') return undefined;
    if (typeof value !== 'string') throw new OAuthError('invalid_request', `${name} came more than once, or is no text`);
    return value;
  }

  /**
   * Returns a parameter that must be there.
   * @throws {OAuthError} `invalid_request` if it is missing, came twice, or is no text.
   */
  require(name: string): string {
    const value = this.get(name);
    if (value === undefined) throw new OAuthError('invalid_request', `${name} is missing in the body`);
    return value;
  }
}
