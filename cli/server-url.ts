/** Where the commands that talk to a server find it. */
import { InvalidArgumentError } from 'commander';
import type { Config } from '../platform/config.js';

/** For an option `--url`. */
export function baseUrl(value: string): string {
  if (!URL.canParse(value) || !/^https?:$/.test(new URL(value).protocol)) throw new InvalidArgumentError('Use a URL such as http://127.0.0.1:8080.');
  return value;
}

/** The server of `--url`, of CONFAB_URL, or the local one; without a closing slash. */
export function serverUrl(config: Config, flag: string | undefined): string {
  return (flag ?? config.client.url ?? localUrl(config)).replace(/\/+$/, '');
}

/** Where the local server is reached: a bind to every address is reached by loopback. */
function localUrl({ http }: Config): string {
  const host = http.host === '0.0.0.0' || http.host === '::' ? '127.0.0.1' : http.host;
  return `http://${host.includes(':') ? `[${host}]` : host}:${http.port}`;
}
