/** The errors of RFC 6749 §5.2 and the status of each. */
const STATUS = {
  invalid_request: 400,
  invalid_client: 401,
  invalid_grant: 400,
  unsupported_grant_type: 400,
  invalid_scope: 400,
} as const;

/** A request to an OAuth endpoint that is refused. Its text is constant, and holds nothing of the request. */
export class OAuthError extends Error {
  override readonly name = 'OAuthError';
  readonly status: number;

  /**
   * @param error the code (RFC 6749 §5.2).
   * @param description the text for developers, without `"` and `\`.
   */
  constructor(
    readonly error: keyof typeof STATUS,
    description: string,
  ) {
    super(description);
    this.status = STATUS[error];
  }
}
