/** Frames of a socket as data: what validates them is what the documentation shows. */

export interface FrameDefinition {
  readonly from: 'client' | 'server';
  readonly purpose: string;
  readonly schema: {
    readonly type: 'object';
    readonly properties: Readonly<Record<string, object>> & { readonly type: { readonly const: string } };
    readonly required: readonly string[];
    readonly additionalProperties: boolean;
  };
}

type Fields = Readonly<Record<string, object>>;

/** Frames of the client refuse unknown fields; clients ignore those of the server that they do not know. */
export function frame(from: 'client' | 'server', type: string, purpose: string, required: Fields, optional: Fields = {}): FrameDefinition {
  return {
    from, purpose,
    schema: {
      type: 'object', additionalProperties: from === 'server',
      properties: { type: { const: type }, ...required, ...optional }, required: ['type', ...Object.keys(required)],
    },
  };
}

const text = { type: 'string' } as const;
const expiresAt = { type: ['string', 'null'], format: 'date-time' } as const;

/** Frames that every socket has: the session itself takes and sends them. */
export const sessionFrames = {
  auth: frame('client', 'auth', 'Renews the token in place, for the same tenant and subject.', { token: text }),
  authenticated: frame('server', 'authenticated', 'The token was renewed.', { expiresAt }),
  expiring: frame('server', 'expiring', 'The token ends in a minute; renew it by `auth`, else the socket closes with 4003.', { expiresAt }),
} as const;

/** Fields of a frame that tells of a fault. */
export const faultFields = {
  required: { code: { type: 'string', description: 'A code of [errors.md](errors.md).' }, detail: text },
  optional: { retryAfterMs: { type: 'integer', description: 'A repeat can help after so many milliseconds.' } },
} as const;
