/** Bodies: one JSON value in UTF-8. */
import { isUtf8 } from 'node:buffer';
import type { FastifyRequest } from 'fastify';
import { ConfabError } from '../errors.js';

const UTF8_JSON = /^application\/json\s*(;\s*charset\s*=\s*"?utf-?8"?\s*)?$/i;

/** For Fastify's addContentTypeParser with `parseAs: 'buffer'`. */
export function jsonParser(request: FastifyRequest, body: Buffer, done: (error: Error | null, value?: unknown) => void): void {
  const type = request.headers['content-type'];
  if (type !== 'application/json' && !UTF8_JSON.test(type ?? '')) { done(new ConfabError('CONFAB_CONTENT_TYPE_UNSUPPORTED')); return; }
  if (!isUtf8(body)) { done(new ConfabError('CONFAB_JSON_INVALID', { detail: 'The body is not UTF-8.' })); return; }
  let value: unknown;
  try {
    value = JSON.parse(body.toString());
  } catch {
    // The parser's words would repeat parts of the body.
    done(new ConfabError('CONFAB_JSON_INVALID'));
    return;
  }
  done(null, value);
}
