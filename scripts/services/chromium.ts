/** Chromium for tests of the pages: no server, a program that they start themselves. From Debian's packages, with a font. */
import { ensureProgram, which } from './packages.js';
import type { Service } from './service.js';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];

async function program(): Promise<string> {
  return NAMES.map(which).find((path) => path !== undefined) ?? ensureProgram('chromium', ['chromium', 'fonts-liberation']);
}

export const chromium: Service = {
  name: 'chromium',
  purpose: 'a browser for tests of the pages (a program, nothing runs)',
  install: async () => { await program(); },
  async start() {
    const path = await program();
    return { processes: [], program: path, addresses: { CONFAB_TEST_CHROMIUM: path }, about: path };
  },
};
