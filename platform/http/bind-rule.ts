/** Where a server without authentication may listen, and what counts as loopback. */
import { isIPv4 } from 'node:net';
import { ConfabError } from '../errors.js';

export function isLoopback(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[|\]$/g, '').replace(/^::ffff:/, '');
  return name === 'localhost' || name.endsWith('.localhost') || name === '::1' || (isIPv4(name) && name.startsWith('127.'));
}

/** @throws CONFAB_AUTH_REQUIRED authentication is off, was not asked to be, and the bind is wider than loopback */
export function checkBind(options: { readonly host: string; readonly authRequired: boolean; readonly insecure: boolean }): void {
  if (options.authRequired || options.insecure || isLoopback(options.host)) return;
  throw new ConfabError('CONFAB_AUTH_REQUIRED', {
    detail: `CONFAB_HTTP_HOST is ${options.host}: set CONFAB_AUTH_SECRET or CONFAB_AUTH_JWKS_URL, bind to loopback, or set CONFAB_AUTH=insecure.`,
  });
}
