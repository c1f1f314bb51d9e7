/** A schema registry with the Confluent API: Apicurio Registry from Maven Central, in memory, on a Java of 21 or newer. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ensureJava21, fetchArchive, installOnce } from './packages.js';
import { freePort } from './ports.js';
import { launch, startAll, waitReady } from './processes.js';
import type { Service } from './service.js';

const VERSION = '3.3.3';
/** From the HTTP port to the one of the server's own management. */
const MANAGEMENT = 1;

const install = (): Promise<string> => installOnce(`apicurio-${VERSION}`, (folder) => fetchArchive(`io.apicurio:apicurio-registry-app:${VERSION}:tar.gz:all`, folder));

export const registry: Service = {
  name: 'registry',
  purpose: `schema registry with the Confluent API (Apicurio ${VERSION}), in memory`,
  compose: { service: 'registry', addresses: { CONFAB_TEST_REGISTRY_URL: 'http://127.0.0.1:8085/apis/ccompat/v7' } },
  install: async () => { await ensureJava21(); await install(); },
  async start(folder) {
    const java = await ensureJava21();
    const home = await install();
    const port = await freePort(18081, [MANAGEMENT]);
    const scratch = join(folder, 'tmp');
    mkdirSync(scratch, { recursive: true });
    const url = `http://127.0.0.1:${port}/apis/ccompat/v7`;
    const args = [
      '-Xmx384m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', `-Djava.io.tmpdir=${scratch}`,
      '-Dquarkus.http.host=127.0.0.1', `-Dquarkus.http.port=${port}`, '-Dquarkus.management.host=127.0.0.1', `-Dquarkus.management.port=${port + MANAGEMENT}`,
      '-Dapicurio.storage.kind=sql', '-Dapicurio.storage.sql.kind=h2', '-jar', join(home, 'quarkus-run.jar'),
    ];
    const processes = await startAll(
      [() => launch(java, args, { name: 'registry', folder })],
      (started) => waitReady(started, async () => (await fetch(`${url}/subjects`)).ok, 90_000),
    );
    return { processes, addresses: { CONFAB_TEST_REGISTRY_URL: url }, about: url };
  },
};
