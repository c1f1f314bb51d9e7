/** The gateway of docker-compose.yml knows which route is of which role; here it is held against the roles themselves. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadConfig } from '../platform/config.js';
import { catalogue, type ErrorCode } from '../platform/errors.js';
import { HEARTBEAT } from '../platform/http/socket-registry.js';
import { packageRoot } from '../platform/package-root.js';
import { openApiDocument, routesOf } from './openapi.js';

const conf = readFileSync(join(packageRoot(), 'docker/gateway.conf'), 'utf8');

/** The lines of a `map`, as pattern and value. */
function mapOf(variable: string): { pattern: RegExp | undefined; value: string }[] {
  const block = new RegExp(`map [^{\\n]+ \\$${variable} \\{\\n(.*?)\\n    \\}`, 's').exec(conf)?.[1] ?? assert.fail(`no map of $${variable}`);
  return block.split('\n').map((line) => {
    const [, pattern, value = ''] = /^ +(?:default|"~(.+?)") +(.+);$/.exec(line) ?? assert.fail(line);
    return { pattern: pattern === undefined ? undefined : new RegExp(pattern), value };
  });
}

const roles = mapOf('role');
/** As nginx does it: the first expression that fits, else the default. */
const routed = (path: string): string => (roles.find(({ pattern }) => pattern?.test(path)) ?? roles.find(({ pattern }) => pattern === undefined))?.value ?? '';
const pathOf = (route: string): string => route.slice(route.indexOf(' ') + 1);
/** Paths of a route as clients may write them. */
const written = (route: string): string[] => ['c1', '', 'a%2Fb', 'x;y=1', 'messages', 'v1'].map((value) => pathOf(route).replaceAll(/:[A-Za-z]+|\*/g, value)).flatMap((path) => [path, `${path}?a=/v1/ingest`]);

/** Of the protocol, and of ingress once it is built. */
const CHANNELS = '/v1/channels/whatsapp/1/webhook';

test('the routes of ingress, and no others, go to ingress', async () => {
  const [ingress, egress] = [await routesOf('ingress'), await routesOf('egress')];
  const own = ingress.filter((route) => !egress.includes(route));
  assert.ok(own.includes('POST /v1/conversations/:conversationId/messages') && own.includes('GET /v1/ingest'), own.join());
  for (const path of [...own.flatMap(written), CHANNELS]) assert.equal(routed(path), 'ingress:8080', path);
  for (const path of egress.flatMap(written)) assert.equal(routed(path), 'egress:8080', path);
});

test('every expression for ingress is of a route that there is', async () => {
  const paths = [...(await routesOf('ingress')).flatMap(written), CHANNELS];
  for (const { pattern, value } of roles.filter(({ value }) => value === 'ingress:8080')) assert.ok(paths.some((path) => pattern?.test(path)), `${String(pattern)} ${value}`);
});

test('every path of the OpenAPI document is among the routes that were compared', async () => {
  const known = new Set((await routesOf('ingress', 'egress')).map(pathOf));
  const { paths } = await openApiDocument() as { paths: Record<string, object> };
  for (const path of Object.keys(paths)) assert.ok(known.has(path.replaceAll(/\{(\w+)\}/g, ':$1')), path);
});

test('what only begins or ends like a route of ingress goes to egress, which refuses it', () => {
  for (const path of ['/v1/ingests', '/v1/ingest/', '/x/v1/ingest', '/v1/conversations/c1/messages/', '/v1/conversations/a/b/messages', '/v1/channels', '/?/v1/ingest', '/V1/ingest']) assert.equal(routed(path), 'egress:8080', path);
});

test('the gateway\'s own problems are those of the catalogue', () => {
  for (const { pattern, value } of mapOf('problem')) {
    const { code, title, retryable } = JSON.parse(`{${value.slice(1, -1)}}`) as { code: ErrorCode; title: string; retryable: boolean };
    assert.deepEqual({ title, retryable }, { title: catalogue[code].title, retryable: catalogue[code].retryable }, code);
    const status = /^\^(\d+)/.exec(pattern?.source ?? '^400')?.[1];
    assert.equal(Number(status), catalogue[code].status, code);
  }
});

test('its limits are those of the roles: bodies, heartbeats, the time for a request', () => {
  const value = (name: string): string => new RegExp(`^ {8}${name} (.+);$`, 'm').exec(conf)?.[1] ?? assert.fail(name);
  const { http } = loadConfig({}, { serving: false });
  assert.equal(value('client_max_body_size'), `${http.maxBody / 1024}k`);
  for (const name of ['proxy_read_timeout', 'proxy_send_timeout']) assert.ok(Number.parseInt(value(name), 10) * 1000 > 3 * HEARTBEAT, name);
  assert.equal(value('proxy_next_upstream'), 'off');
  assert.equal(value('proxy_buffering'), 'off');
});
