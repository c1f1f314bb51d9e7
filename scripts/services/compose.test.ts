import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { packageRoot } from '../../platform/package-root.js';
import { topology } from '../../topology/topology.js';
import { composeCommand } from './docker.js';
import { elasticsearch } from './elasticsearch.js';
import { kafka } from './kafka.js';
import { runTool } from './packages.js';
import { redis } from './redis.js';
import { registry } from './registry.js';

interface ComposeService {
  readonly image: string;
  readonly command?: readonly string[];
  readonly ports?: readonly string[];
  readonly healthcheck?: object;
  readonly read_only?: boolean;
  readonly user?: string;
  readonly volumes?: readonly string[];
}

const { services } = parse(readFileSync(join(packageRoot(), 'docker-compose.yml'), 'utf8'), { merge: true }) as { services: Record<string, ComposeService> };
const servers = [kafka, redis, registry, elasticsearch];

test('every stage and edge of the topology has a compose service of its role', () => {
  const roles = Object.entries(services).filter(([, service]) => service.image === 'confab:local').map(([name, service]) => [name, service.command]);
  const wanted = [...Object.keys(topology.stages), ...Object.entries(topology.edges).filter(([, edge]) => !('command' in edge)).map(([name]) => name)].map((role) => [role, ['start', '--role', role]]);
  assert.deepEqual(roles.sort(), wanted.sort());
});

test('ports are published on loopback only', () => {
  for (const [name, service] of Object.entries(services)) for (const port of service.ports ?? []) assert.match(port, /^127\.0\.0\.1:/, name);
});

test('the addresses that tests get are those that compose publishes', () => {
  for (const server of servers) {
    const published = services[server.compose?.service ?? '']?.ports?.[0]?.split(':').slice(0, 2).join(':') ?? 'none';
    for (const address of Object.values(server.compose?.addresses ?? {})) assert.ok(address.includes(published), `${server.name}: ${address} is not ${published}`);
  }
});

test('every server has a health check and a pinned image; every role a read-only file system', () => {
  for (const server of servers) {
    const service = services[server.compose?.service ?? ''];
    assert.ok(service?.healthcheck, server.name);
    assert.match(service.image, /:\d/, server.name);
  }
  for (const service of Object.values(services)) if (service.image === 'confab:local') assert.equal(service.read_only, true);
});

test('the gateway is the one door to the roles: pinned, without rights, with the configuration of the project', () => {
  const doors = Object.entries(services).filter(([name, service]) => service.ports !== undefined && !servers.some((server) => server.compose?.service === name));
  assert.deepEqual(doors.map(([name, service]) => [name, service.ports]), [['gateway', ['127.0.0.1:8080:8080']]]);
  const { gateway } = services;
  assert.ok(gateway?.healthcheck);
  assert.match(gateway.image, /^nginx:\d+\.\d+/);
  assert.equal(gateway.read_only, true);
  assert.match(gateway.user ?? '', /^[1-9]\d*:[1-9]\d*$/);
  const [from = ''] = gateway.volumes?.find((volume) => volume.endsWith(':/etc/nginx/gateway.conf:ro'))?.split(':') ?? [];
  assert.ok(existsSync(join(packageRoot(), from)), from);
});

const compose = await composeCommand(process.env.CI === 'true');

test('compose itself reads the file and finds every service in it', { skip: compose === undefined ? 'needs docker compose or docker-compose' : false }, async () => {
  const [program = '', ...args] = compose ?? [];
  const read = parse(await runTool(program, [...args, 'config'], { cwd: packageRoot() })) as { services: Record<string, ComposeService> };
  assert.deepEqual(Object.keys(read.services).sort(), Object.keys(services).sort());
  for (const name of [...Object.keys(topology.stages), 'ingress', 'egress', 'gateway']) assert.equal(read.services[name]?.read_only, true, name);
});
