/**
 * A client of `/v1/conversations/{id}/stream` for loads of ten thousands: frames are looked at where they lie in one buffer
 * that all sockets of the process read into, nothing is copied or parsed that need not be, so that the load costs little.
 */
import { connect, type OnReadOpts, type Socket } from 'node:net';

export interface RawStreamEvents {
  /** The handshake is through. */
  opened(): void;
  /** A text frame: it lies in `buffer` from `start` to `end` until this returns. */
  text(buffer: Buffer, start: number, end: number): void;
  /** Once; `code` is 0 when the connection was lost or never made. */
  closed(code: number, retryAfterMillis: number | undefined): void;
}

export interface RawStreamTarget {
  readonly url: string;
  readonly path: string;
  readonly token: string | undefined;
  readonly subprotocol: string | undefined;
}

const SHARED = Buffer.allocUnsafe(256 * 1024);
const END_OF_HEAD = Buffer.from('\r\n\r\n');
const NONE = Buffer.alloc(0);

export class RawStream {
  private readonly socket: Socket;
  private upgraded = false;
  private over = false;
  /** What came of a frame, or of the handshake, that is not whole yet. */
  private rest: Buffer = NONE;
  private closeCode = 0;
  private retryAfterMillis: number | undefined;
  private readonly own: Buffer | undefined;
  private timer: NodeJS.Timeout | undefined;
  /** Bytes that are read each second; 0: as they come. */
  private bytesPerSecond = 0;

  /** `paced`: it may be slowed down later. */
  constructor(private readonly target: RawStreamTarget, private readonly events: RawStreamEvents, paced = false) {
    const { hostname, port } = new URL(target.url);
    this.own = paced ? Buffer.allocUnsafe(1024) : undefined;
    const onread: OnReadOpts = { buffer: this.own ?? SHARED, callback: (count, buffer) => this.read(Buffer.from(buffer.buffer, buffer.byteOffset, count)) };
    this.socket = connect({ host: hostname, port: Number(port), noDelay: true, onread } as never);
    this.socket.once('connect', () => { this.socket.write(this.handshake()); });
    this.socket.once('error', () => { /* `close` follows */ });
    this.socket.once('close', () => { this.end(); });
  }

  /** Reads so many bytes a second from now on; 0: as fast as they come. Only of a stream made `paced`. */
  pace(bytesPerSecond: number): void {
    this.bytesPerSecond = bytesPerSecond;
    if (bytesPerSecond === 0) { clearTimeout(this.timer); this.socket.resume(); }
  }

  close(): void { this.socket.destroy(); }

  private handshake(): string {
    const { url, path, token, subprotocol } = this.target;
    return `GET ${path} HTTP/1.1\r\nHost: ${new URL(url).host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n`
      + `${subprotocol === undefined ? '' : `Sec-WebSocket-Protocol: ${subprotocol}\r\n`}${token === undefined ? '' : `Authorization: Bearer ${token}\r\n`}\r\n`;
  }

  /** False stops reading. */
  private read(chunk: Buffer): boolean {
    let bytes = chunk;
    if (this.rest.length > 0) { bytes = Buffer.concat([this.rest, chunk]); this.rest = NONE; }
    let at = this.upgraded ? 0 : this.readHead(bytes);
    while (at < bytes.length && !this.over) {
      const next = this.readFrame(bytes, at);
      if (next === at) break;
      at = next;
    }
    // The shared buffer is written over by the next socket that reads.
    if (at < bytes.length) this.rest = Buffer.from(bytes.subarray(at));
    if (this.bytesPerSecond === 0) return true;
    this.timer = setTimeout(() => { this.socket.resume(); }, chunk.length / this.bytesPerSecond * 1000);
    return false;
  }

  /** Where frames begin; 0 while the answer to the handshake is not whole. */
  private readHead(bytes: Buffer): number {
    const end = bytes.indexOf(END_OF_HEAD);
    if (end < 0) return 0;
    const head = bytes.toString('latin1', 0, end);
    if (!head.startsWith('HTTP/1.1 101 ')) {
      const seconds = /^retry-after: *(\d+)/im.exec(head)?.[1];
      this.retryAfterMillis = seconds === undefined ? undefined : Number(seconds) * 1000;
      this.socket.destroy();
      return bytes.length;
    }
    this.upgraded = true;
    this.events.opened();
    return end + 4;
  }

  /** Where the next frame begins; `at` while this one is not whole. Frames of servers carry no mask. */
  private readFrame(bytes: Buffer, at: number): number {
    if (bytes.length < at + 2) return at;
    const opcode = (bytes[at] ?? 0) & 0x0f;
    let length = (bytes[at + 1] ?? 0) & 0x7f;
    let start = at + 2;
    if (length === 126) {
      if (bytes.length < at + 4) return at;
      length = bytes.readUInt16BE(at + 2);
      start = at + 4;
    } else if (length === 127) {
      if (bytes.length < at + 10) return at;
      length = Number(bytes.readBigUInt64BE(at + 2));
      start = at + 10;
    }
    const end = start + length;
    if (bytes.length < end) return at;
    if (opcode === 1) this.events.text(bytes, start, end);
    else if (opcode === 9) this.pong(bytes.subarray(start, end));
    else if (opcode === 8) this.readClose(bytes.subarray(start, end));
    return end;
  }

  /** A mask of zeros leaves the bytes as they are. */
  private pong(payload: Buffer): void {
    this.socket.write(Buffer.concat([Buffer.from([0x8a, 0x80 | payload.length, 0, 0, 0, 0]), payload]));
  }

  private readClose(payload: Buffer): void {
    this.closeCode = payload.length >= 2 ? payload.readUInt16BE(0) : 1005;
    const millis = /"retryAfterMs":(\d+)/.exec(payload.toString('utf8', 2))?.[1];
    if (millis !== undefined) this.retryAfterMillis = Number(millis);
    this.socket.write(Buffer.from([0x88, 0x80, 0, 0, 0, 0]));
    this.socket.destroySoon();
  }

  private end(): void {
    if (this.over) return;
    this.over = true;
    clearTimeout(this.timer);
    this.events.closed(this.closeCode, this.retryAfterMillis);
  }
}
