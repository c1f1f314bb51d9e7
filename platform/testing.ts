/** For tests only: addresses of real servers and scratch folders. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export type Service = 'kafka' | 'kafka-acl' | 'redis' | 'registry' | 'elasticsearch' | 'chromium' | 'nginx';

const VARIABLES: Record<Service, string> = {
  kafka: 'CONFAB_TEST_KAFKA_BROKERS',
  'kafka-acl': 'CONFAB_TEST_KAFKA_ACL_BROKERS',
  redis: 'CONFAB_TEST_REDIS_URL',
  registry: 'CONFAB_TEST_REGISTRY_URL',
  elasticsearch: 'CONFAB_TEST_ELASTICSEARCH_URL',
  chromium: 'CONFAB_TEST_CHROMIUM',
  nginx: 'CONFAB_TEST_NGINX',
};

/** The address of a real server (of a program, chromium or nginx: its path), or undefined: pass `skip: skipWithout('redis')` to the test. */
export function serviceAddress(service: Service): string | undefined {
  return process.env[VARIABLES[service]];
}

/** For `test(name, { skip: skipWithout('kafka') }, …)`: false when the server is there, else the reason. */
export function skipWithout(...services: Service[]): string | false {
  const missing = services.filter((service) => serviceAddress(service) === undefined);
  return missing.length === 0 ? false : `needs ${missing.join(' and ')}: npm run services -- up ${missing.join(' ')}`;
}

/** A new empty folder, removed after the test. */
export function scratchFolder(t: { after(run: () => void): void }): string {
  const folder = mkdtempSync(join(tmpdir(), 'confab-test-'));
  t.after(() => { rmSync(folder, { recursive: true, force: true }); });
  return folder;
}

/** Waits until `condition` holds, looking again whenever the event loop has turned; fails after `millis`. For real servers. */
export async function eventually(what: string, condition: () => boolean | Promise<boolean>, millis = 45_000): Promise<void> {
  const end = performance.now() + millis;
  for (;;) {
    if (await condition()) return;
    if (performance.now() > end) throw new Error(`not within ${millis} ms: ${what}`);
    await new Promise((resolve) => { setTimeout(resolve, 10); });
  }
}
