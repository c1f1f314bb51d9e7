/** Why a server could not listen, in words that say what to do; and whether it is Confab itself that is in the way. */
import { request } from 'node:http';
import { ConfabError } from './errors.js';

const ASK_MILLIS = 1000;

/** @returns CONFAB_PORT_TAKEN or CONFAB_ADDRESS_REFUSED; anything else as it is */
export async function listenError(thrown: unknown, host: string, port: number): Promise<unknown> {
  const { code } = thrown as NodeJS.ErrnoException;
  const address = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  switch (code) {
    case 'EADDRINUSE': return new ConfabError('CONFAB_PORT_TAKEN', { detail: await takenText(address, host, port), cause: thrown });
    case 'EACCES': return refused(thrown, `This user may not listen on ${address}${port < 1024 ? '; ports below 1024 are reserved' : ''}.`);
    case 'EADDRNOTAVAIL': case 'ENOTFOUND': case 'EAI_AGAIN': return refused(thrown, `${host} is no address of this machine.`);
    default: return thrown;
  }
}

const refused = (cause: unknown, detail: string): ConfabError => new ConfabError('CONFAB_ADDRESS_REFUSED', { detail, cause });

async function takenText(address: string, host: string, port: number): Promise<string> {
  return await isConfab(host, port) ? `Confab runs on ${address} already: http://${address}/` : `Another program listens on ${address}.`;
}

/** Whether what listens there answers as Confab does. Never throws. */
function isConfab(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const to = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
    const asked = request({ host: to, port, path: '/v1', timeout: ASK_MILLIS, headers: { accept: 'application/json' } }, (answer) => {
      let body = '';
      answer.setEncoding('utf8').on('data', (part: string) => { body = (body + part).slice(0, 10_000); }).on('error', () => { resolve(false); }).on('end', () => { resolve(hasFeatures(body)); });
    });
    asked.on('timeout', () => { asked.destroy(); }).on('error', () => { resolve(false); }).end();
  });
}

function hasFeatures(body: string): boolean {
  try { return Array.isArray((JSON.parse(body) as { features?: unknown } | null)?.features); } catch { return false; }
}
