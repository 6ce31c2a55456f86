import { CsrfFailed } from '../errors/token.errors.js';
import type { Credentials, TokenRequest, TokenTransport } from '../transport/token-transport.js';
import type { CsrfSettings } from './csrf.options.js';
import type { CsrfTokens } from './csrf-tokens.js';
import { csrfOwnerOf } from './csrf-tokens.js';
import type { CheckedRequest, CheckStage } from './request-check.js';
import { RequestCheck } from './request-check.js';

/**
 * Protects requests whose tokens come from cookies against cross-site request forgery: requests that may change something, and all requests
 * that are about to rotate. A browser says where a request comes from, in headers that no page can change (Fetch Metadata, `Origin`). If
 * these headers are missing, the request must carry a token that other sites cannot read.
 */
export class CsrfCheck extends RequestCheck {
  constructor(
    private readonly settings: CsrfSettings,
    /** Null if there are no CSRF tokens. A request whose origin is unknown is then refused. */
    private readonly tokens: CsrfTokens | null,
    private readonly transport: TokenTransport,
  ) {
    super();
  }

  /** No browser sends a token in a header on its own. */
  override concerns({ access, refresh }: Credentials): boolean {
    return access?.source === 'cookie' || refresh?.source === 'cookie';
  }

  override check(stage: CheckStage, checked: CheckedRequest): void {
    const { request, credentials, isSafe } = checked;
    if (stage === 'endpoint') this.refuseForeign(request);
    else if (stage === 'use' && credentials.access?.source === 'cookie' && !isSafe) this.requireOwn(checked, false);
    else if (stage === 'rotate' && credentials.refresh?.source === 'cookie') {
      if (isSpeculative(request)) throw new CsrfFailed({ sessionId: checked.sessionId });
      this.requireOwn(checked, isSafe && isTopLevelNavigation(request));
    } else if (stage === 'slide' && credentials.access?.source === 'cookie') {
      if (isSpeculative(request)) throw new CsrfFailed({ sessionId: checked.sessionId });
      this.requireOwn(checked, false);
    }
  }

  private requireOwn({ request, sessionId, claims }: CheckedRequest, isNavigation: boolean): void {
    const owner = sessionId ?? (claims ? csrfOwnerOf(claims) : undefined);
    const origin = this.judgeOrigin(request, isNavigation);
    const needsToken = origin === 'unknown' || this.settings.mode === 'token';
    if (origin === 'foreign' || (needsToken && !this.hasToken(request, owner))) throw new CsrfFailed({ sessionId });
  }

  /**
   * Refuses a page of another site at a route that sets or deletes cookies, also if the browser has kept the cookies back. It could
   * otherwise sign the user out, or in as somebody else.
   */
  private refuseForeign(request: TokenRequest): void {
    const usesCookies = this.transport.readCsrf(request) !== null;
    if (usesCookies && this.judgeOrigin(request, false) === 'foreign') throw new CsrfFailed();
  }

  /** Says where a request comes from: `own` may pass, `foreign` may not, and `unknown` means that the browser does not tell. */
  private judgeOrigin(request: TokenRequest, isNavigation: boolean): 'own' | 'foreign' | 'unknown' {
    const { origin, 'sec-fetch-site': site } = request.headers;
    switch (site) {
      case 'same-origin':
      case 'none':
        return 'own';
      case 'same-site':
        return isNavigation || this.settings.trustSameSite || this.isListed(origin) ? 'own' : 'foreign';
      case 'cross-site':
        return isNavigation ? 'own' : 'foreign';
      default:
    }
    if (origin === undefined) return 'unknown';
    return this.isListed(origin) || this.isOwnOrigin(origin, request) ? 'own' : 'foreign';
  }

  private isListed(origin: string | undefined): boolean {
    return origin !== undefined && this.settings.origins.has(origin);
  }

  /** Cookies are `Secure`, so the own origin is one of https, also if a proxy in front of this server speaks plain http with it. */
  private isOwnOrigin(origin: string, request: TokenRequest): boolean {
    const host = (request.host ?? request.headers.host)?.toLowerCase();
    if (host === undefined || host === '') return false;
    return origin === `https://${host}` || (this.settings.allowHttp && origin === `http://${host}`);
  }

  private hasToken(request: TokenRequest, owner: string | undefined): boolean {
    if (!this.tokens || owner === undefined) return false;
    return this.tokens.verify(this.transport.readCsrf(request)?.header, owner);
  }
}

/**
 * Tells whether a person follows a link or enters an address. Such a request shows its response to nobody but that person, so it may rotate
 * although it comes from another site. The browser has sent the cookie with it only if the application has chosen `SameSite=Lax`
 * (docs/rotation.md §5.2).
 */
function isTopLevelNavigation({ method, headers }: TokenRequest): boolean {
  return method === 'GET' && headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document';
}

/**
 * Tells whether nobody may ever see the response: a browser can drop the response to a prefetch, and any site can embed an image. Neither
 * may rotate.
 */
function isSpeculative({ headers }: TokenRequest): boolean {
  const purpose = [headers['sec-purpose'], headers['purpose'], headers['x-moz'], headers['x-purpose']].flat().join(' ');
  return /prefetch|prerender|preview/i.test(purpose) || headers['sec-fetch-dest'] === 'image';
}
