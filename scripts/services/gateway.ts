/** For tests only: the gateway of docker-compose.yml, with its configuration and its command line, on addresses of the test. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { packageRoot } from '../../platform/package-root.js';
import { pause } from './processes.js';

export const gatewayConf = (): string => readFileSync(join(packageRoot(), 'docker/gateway.conf'), 'utf8');

/** The configuration with other addresses, each in all of its places. @throws when one is not there */
function withAddresses(conf: string, addresses: readonly (readonly [written: string, here: string])[]): string {
  return addresses.reduce((text, [written, here]) => {
    if (!text.includes(written)) throw new Error(`docker/gateway.conf names no "${written}"`);
    return text.replaceAll(written, here);
  }, conf);
}

export interface GatewayOptions {
  /** Path of nginx. */
  readonly program: string;
  readonly port: number;
  /** `host:port` of the two roles. */
  readonly ingress: string;
  readonly egress: string;
}

/** Starts nginx; it ends with the test at the latest. Resolves when it answers. */
export async function startGateway(t: { after(run: () => Promise<void>): void }, { program, port, ingress, egress }: GatewayOptions): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'confab-gateway-'));
  // As root, its worker is another user.
  chmodSync(folder, 0o755);
  const conf = join(folder, 'gateway.conf');
  writeFileSync(conf, withAddresses(gatewayConf(), [['ingress:8080', ingress], ['egress:8080', egress], ['listen 8080', `listen 127.0.0.1:${port}`]]));
  const { services } = parse(readFileSync(join(packageRoot(), 'docker-compose.yml'), 'utf8')) as { services: { gateway: { entrypoint: string[] } } };
  const args = services.gateway.entrypoint.slice(1).map((one) => ({ '/tmp/': `${folder}/`, '/etc/nginx/gateway.conf': conf })[one] ?? one);
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => { said = (said + chunk.toString()).slice(-20_000); });
  const exited = once(child, 'exit');
  t.after(async () => {
    if (child.exitCode === null) { child.kill('SIGTERM'); await exited; }
    rmSync(folder, { recursive: true, force: true });
  });
  for (const end = performance.now() + 10_000; !await listens(port);) {
    if (child.exitCode !== null || performance.now() > end) throw new Error(`nginx does not answer: ${said}`);
    await pause(20);
  }
  return `http://127.0.0.1:${port}`;
}

async function listens(port: number): Promise<boolean> {
  const socket = connect({ host: '127.0.0.1', port });
  try { await once(socket, 'connect'); return true; } catch { return false; } finally { socket.destroy(); }
}
