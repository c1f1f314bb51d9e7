/** The same services by docker-compose.yml, where a Docker daemon with compose answers. */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runTool, which } from './packages.js';
import type { Service } from './service.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');

/** True when containers can be used. CONFAB_SERVICES=packages says no, =docker insists. */
export async function dockerAnswers(): Promise<boolean> {
  const wanted = process.env.CONFAB_SERVICES;
  if (wanted === 'packages' || which('docker') === undefined) return false;
  try {
    await runTool('docker', ['compose', 'version']);
    await runTool('docker', ['info', '--format', '{{.ServerVersion}}']);
    return true;
  } catch (error) {
    if (wanted === 'docker') throw error;
    return false;
  }
}

const compose = (...args: string[]): Promise<string> => runTool('docker', ['compose', '--project-directory', root, ...args], { cwd: root });

export async function composeUp(service: Service): Promise<void> {
  await compose('up', '--detach', '--wait', service.compose?.service ?? service.name);
}

export async function composeDown(service: Service): Promise<void> {
  await compose('rm', '--stop', '--force', '--volumes', service.compose?.service ?? service.name);
}
