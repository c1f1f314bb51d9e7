/**
 * Addresses of real servers for tests: what CONFAB_TEST_* names, else what `npm run services` has running
 * (its state file), else nothing: those tests are skipped with the command that would run them.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const SERVICES_FOLDER = join(dirname(fileURLToPath(import.meta.url)), '../../.services');
export const ADDRESSES_FILE = join(SERVICES_FOLDER, 'addresses.json');

/** Names of environment variables that hold addresses for tests. */
export const TEST_VARIABLES = {
  kafka: 'CONFAB_TEST_KAFKA_BROKERS',
  'kafka-acl': 'CONFAB_TEST_KAFKA_ACL_BROKERS',
  redis: 'CONFAB_TEST_REDIS_URL',
  registry: 'CONFAB_TEST_REGISTRY_URL',
  elasticsearch: 'CONFAB_TEST_ELASTICSEARCH_URL',
  chromium: 'CONFAB_TEST_CHROMIUM',
  nginx: 'CONFAB_TEST_NGINX',
} as const;

export async function testServices(): Promise<Record<string, string>> {
  if (!existsSync(ADDRESSES_FILE)) return {};
  const running = JSON.parse(readFileSync(ADDRESSES_FILE, 'utf8')) as Record<string, string>;
  return Object.fromEntries(Object.entries(running).filter(([name]) => process.env[name] === undefined));
}
