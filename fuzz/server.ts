/** The program under fire: a process of its own, an honest client beside the fuzz, and what an answer must look like. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { call, serve } from '../composition/protocol/testing.js';
import { outcomes, post, type Program } from '../composition/testing.js';
import { eventually } from '../platform/testing.js';
import { knownCode } from './harness.js';

interface Cleaner { after(run: () => Promise<void> | void): void }

export interface Raw { readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly body: string }

/** One process for the tests of a file. */
export class Target {
  private constructor(readonly program: Program) {}

  static async start(cleaner: Cleaner, env: Readonly<Record<string, string>> = {}): Promise<Target> {
    return new Target(await serve(cleaner, env));
  }

  get url(): string { return this.program.url; }

  /** It runs, says that it is ready, logged no error, and answers a message. */
  async healthy(headers: Readonly<Record<string, string>> = {}): Promise<void> {
    assert.equal((await call(this.url, '/health/ready')).status, 200, this.program.output);
    const errors = this.program.output.split('\n').filter((line) => /"level":"?(50|60|error|fatal)|unhandled|CONFAB_INTERNAL/i.test(line));
    assert.deepEqual(errors, [], 'the log holds no error');
    const answer = await call(this.url, '/v1/conversations/honest/messages', { body: { text: 'hello' }, headers });
    assert.equal(answer.status, 202, answer.text);
  }

  /** Writes to a conversation of its own and waits for each outcome, one after the other, until `stop` gives how many there were. */
  honest(): { stop(): Promise<number> } {
    let running = true;
    const run = async (): Promise<number> => {
      const name = 'honest-beside';
      const { status } = await post(this.url, name, 'warm');
      assert.equal(status, 202);
      let count = 0;
      while (running || count === 0) {
        const sent = await post(this.url, name, `hello ${count}`);
        assert.equal(sent.status, 202, JSON.stringify(sent.body));
        await eventually(`the outcome of message ${count} of the honest client`, async () => (await outcomes(this.url, name)).includes(sent.body.messageId), 30_000);
        count += 1;
        await new Promise((resolve) => { setTimeout(resolve, 100); });
      }
      return count;
    };
    const done = run();
    // It is awaited at the end; a failure before is not an unhandled one.
    done.catch(() => undefined);
    return { stop: () => { running = false; return done; } };
  }
}

/** A whole answer has come and nothing more: a connection that is kept alive, or a socket that was accepted. */
const IDLE_MILLIS = 250;
/** The same when its header promises more: an answer to HEAD, or a server that waits for the processor. */
const UNFINISHED_MILLIS = 3_000;

/**
 * Sends bytes and gives all that comes back; again when the connection was reset before an answer was whole. A server that
 * refuses a request before it has read all of it ends the connection, and what the client had not read by then is lost: that
 * is how TCP works (RFC 9112, section 9.6), and a client repeats its request.
 */
export async function exchange(url: string, bytes: Buffer, patience: number): Promise<Buffer> {
  for (let left = TRIES; ; left -= 1) {
    const { answer, reset } = await exchangeOnce(url, bytes, patience);
    if (!reset || left === 1 || isWhole(answer)) return answer;
  }
}

const TRIES = 5;

/** As far as its own header says. */
function isWhole(answer: Buffer): boolean {
  const cut = answer.indexOf('\r\n\r\n');
  if (cut < 0) return false;
  const header = answer.toString('latin1', 0, cut);
  if (/^transfer-encoding: chunked$/im.test(header)) return answer.subarray(-5).equals(Buffer.from('0\r\n\r\n'));
  return answer.length - cut - 4 >= Number(/^content-length: (\d+)$/im.exec(header)?.[1] ?? 0);
}

/**
 * One connection, until the server ends it. After `patience` without an answer it ends its own side, as a client does that
 * goes away; Node then drops answers that are still being made. 0: at once.
 */
async function exchangeOnce(url: string, bytes: Buffer, patience: number): Promise<{ answer: Buffer; reset: boolean }> {
  const { hostname, port } = new URL(url);
  const socket = connect({ port: Number(port), host: hostname, allowHalfOpen: true });
  const chunks: Buffer[] = [];
  let timer = patience === 0 ? undefined : setTimeout(() => { socket.end(); }, patience);
  let reset = false;
  socket.on('error', () => { reset = true; });
  socket.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    clearTimeout(timer);
    timer = setTimeout(() => { socket.end(); }, isWhole(Buffer.concat(chunks)) ? IDLE_MILLIS : UNFINISHED_MILLIS);
  });
  socket.on('end', () => { socket.end(); });
  if (patience === 0) socket.end(bytes);
  else socket.write(bytes);
  // Not `once` of node:events: it fails with the reset.
  await new Promise((resolve) => { socket.once('close', resolve); });
  clearTimeout(timer);
  return { answer: Buffer.concat(chunks), reset };
}

/** The answers of a connection, one after the other; `bodiless` says that they are to HEAD. */
export function answersOf(bytes: Buffer, bodiless = false): Raw[] {
  const found: Raw[] = [];
  let text = bytes.toString('latin1');
  while (text !== '') {
    const cut = text.indexOf('\r\n\r\n');
    assert.match(text, /^HTTP\/1\.[01] \d{3} /, `no answer: ${text.slice(0, 200)}`);
    assert.ok(cut > 0, `half an answer: ${text.slice(0, 200)}`);
    const [first = '', ...lines] = text.slice(0, cut).split('\r\n');
    const headers = Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]));
    const status = Number(first.split(' ')[1]);
    const rest = text.slice(cut + 4);
    const none = (bodiless && !rest.startsWith('{')) || status < 200 || status === 204 || status === 304;
    const size = none ? 0 : headers['content-length'] === undefined ? rest.length : Number(headers['content-length']);
    found.push({ status, headers, body: rest.slice(0, size) });
    // Frames of an accepted socket follow, not another answer.
    text = status === 101 ? '' : rest.slice(size);
  }
  return found;
}

/** An answer of the contract: no 500, and every refusal is a problem with a code of the catalogue. */
export function judge(answer: Raw, what: string): void {
  const shown = `${what} → ${answer.status} ${JSON.stringify(answer.headers)} ${answer.body.slice(0, 500)}`;
  assert.ok(answer.status < 500 || answer.status === 503, shown);
  if (answer.status < 400) return;
  if (answer.headers['content-length'] === '0' && answer.status === 503) return;
  assert.match(answer.headers['content-type'] ?? '', /^application\/problem\+json/, shown);
  if (answer.body === '') return;
  const { code, status, traceId } = JSON.parse(answer.body) as { code?: unknown; status?: unknown; traceId?: unknown };
  assert.ok(knownCode(code), shown);
  assert.equal(status, answer.status, shown);
  assert.match(String(traceId), /^[0-9a-f]{32}$/, shown);
}
