/** Errors of the SDK and of the server, by the codes of docs/errors.md. */

export interface ClientErrorDetails {
  /** HTTP status or close code, where there was one. */
  readonly status?: number | undefined;
  readonly retryable?: boolean | undefined;
  readonly retryAfterMs?: number | undefined;
  /** Fields that break a rule, as the server names them. */
  readonly errors?: readonly { readonly pointer: string; readonly detail: string }[] | undefined;
  readonly cause?: unknown;
}

/** Any failure that the SDK tells of. `code` is stable; `detail` is for people. */
export class ClientError extends Error {
  override readonly name = 'ClientError';
  declare readonly code: string;
  declare readonly detail: string;
  declare readonly status: number | undefined;
  /** The same can succeed later. */
  declare readonly retryable: boolean;
  declare readonly retryAfterMs: number | undefined;
  declare readonly errors: ClientErrorDetails['errors'];

  constructor(code: string, detail: string, { status, retryable = false, retryAfterMs, errors, cause }: ClientErrorDetails = {}) {
    super(`${code}: ${detail}`, cause ? { cause } : undefined);
    Object.assign(this, { code, detail, status, retryable, retryAfterMs, errors } satisfies Partial<ClientError>);
  }
}

/** The network failed, or what answers is not the server: the same can succeed later. */
export function unreachable(detail: string, more?: ClientErrorDetails): ClientError {
  return new ClientError('CONFAB_SERVER_UNREACHABLE', detail, { retryable: true, ...more });
}

export function closedError(): ClientError {
  return new ClientError('CONFAB_CLOSED', 'The client was closed.');
}
