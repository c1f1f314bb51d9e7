/** Options of Node with which a role runs: those of docker-compose.yml, so that what is measured is what is shipped. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { packageRoot } from '../../platform/package-root.js';

/** `{ NODE_OPTIONS }` of a role, or nothing where Node runs as it is. */
export function nodeOptionsOf(role: string): { readonly NODE_OPTIONS?: string } {
  const { services } = parse(readFileSync(join(packageRoot(), 'docker-compose.yml'), 'utf8'), { merge: true }) as { services: Record<string, { environment?: { NODE_OPTIONS?: string } }> };
  const options = services[role]?.environment?.NODE_OPTIONS;
  return options === undefined ? {} : { NODE_OPTIONS: options };
}
