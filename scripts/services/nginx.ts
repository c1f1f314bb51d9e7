/** nginx for the test of the gateway: no server, a program that the test starts itself with the project's configuration. */
import { existsSync } from 'node:fs';
import { ensureProgram } from './packages.js';
import type { Service } from './service.js';

/** Where Debian has it, also when the PATH of the caller leaves out the folders for administrators. */
const ELSEWHERE = '/usr/sbin/nginx';

const program = async (): Promise<string> => (existsSync(ELSEWHERE) ? ELSEWHERE : ensureProgram('nginx', ['nginx']));

export const nginx: Service = {
  name: 'nginx',
  purpose: 'for the test of the gateway of docker-compose.yml (a program, nothing runs)',
  install: async () => { await program(); },
  async start() {
    const path = await program();
    return { processes: [], program: path, addresses: { CONFAB_TEST_NGINX: path }, about: path };
  },
};
