import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import type { ConfabError } from './errors.js';
import { listenError } from './listen-error.js';

const fault = (code: string): Error => Object.assign(new Error(code), { code });

async function occupied(t: TestContext, answer: RequestListener): Promise<number> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  t.after(() => { server.closeAllConnections(); server.close(); });
  return (server.address() as AddressInfo).port;
}

test('a taken port is named', async (t) => {
  const port = await occupied(t, (_request, response) => { response.end('<html>'); });
  const error = await listenError(fault('EADDRINUSE'), '127.0.0.1', port) as ConfabError;
  assert.equal(error.code, 'CONFAB_PORT_TAKEN');
  assert.equal(error.detail, `Another program listens on 127.0.0.1:${port}.`);
});

test('if it is Confab itself, that is said', async (t) => {
  const port = await occupied(t, (request, response) => { response.end(request.url === '/v1' ? '{"features":[]}' : ''); });
  for (const host of ['127.0.0.1', '0.0.0.0']) {
    assert.match((await listenError(fault('EADDRINUSE'), host, port) as ConfabError).detail, new RegExp(`^Confab runs on ${host}:${port} already`));
  }
});

test('whatever answers, a fault is told and nothing hangs', async (t) => {
  const silent = await occupied(t, () => { /* never answers */ });
  const odd = await occupied(t, (_request, response) => { response.end('null'); });
  for (const port of [silent, odd, 1]) assert.match((await listenError(fault('EADDRINUSE'), '127.0.0.1', port) as ConfabError).detail, /^Another program listens/);
});

test('an address that may not be used says which to use', async () => {
  const texts = await Promise.all([['EACCES', '127.0.0.1', 80], ['EADDRNOTAVAIL', '10.255.1.1', 8080], ['ENOTFOUND', 'nowhere.invalid', 8080]].map(async ([code, host, port]) => {
    const error = await listenError(fault(String(code)), String(host), Number(port)) as ConfabError;
    return `${error.code} ${error.detail}`;
  }));
  assert.match(texts[0] ?? '', /^CONFAB_ADDRESS_REFUSED This user may not listen on 127\.0\.0\.1:80; ports below 1024 are reserved\./);
  assert.match(texts[1] ?? '', /10\.255\.1\.1 is no address of this machine/);
  assert.match(texts[2] ?? '', /nowhere\.invalid is no address/);
  const unknown = fault('EIO');
  assert.equal(await listenError(unknown, '127.0.0.1', 1), unknown);
});
