/** The same services by docker-compose.yml, where a Docker daemon with compose answers. */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureProgram, runTool, which } from './packages.js';
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

/** The compose of this machine: Docker's plugin, or the program of Debian, which is installed when `install` is set. */
export async function composeCommand(install: boolean): Promise<readonly string[] | undefined> {
  try {
    await runTool('docker', ['compose', 'version']);
    return ['docker', 'compose'];
  } catch { /* the plugin is not there */ }
  if (install) return [await ensureProgram('docker-compose', ['docker-compose'])];
  return which('docker-compose') === undefined ? undefined : ['docker-compose'];
}
