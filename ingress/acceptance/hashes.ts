/** Hashes that stand in the record: of the idempotency key (in its scope) and of the body (as canonical JSON). */
import { createHash } from 'node:crypto';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('base64url');

/** A key belongs to tenant and conversation. None of the parts holds a NUL. */
export function keyHash(tenant: string, conversationId: string, key: string): string {
  return sha256(`${tenant}\0${conversationId}\0${key}`);
}

export function bodyHash(body: unknown): string {
  return sha256(canonicalJson(body));
}

/** JSON with the names of each object in code unit order: equal for bodies that mean the same. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const fields = Object.keys(value).sort().map((name) => `${JSON.stringify(name)}:${canonicalJson((value as Record<string, unknown>)[name])}`);
  return `{${fields.join(',')}}`;
}
