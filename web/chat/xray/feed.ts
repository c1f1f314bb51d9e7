/** The socket of the X-ray. Comes back by itself; what it gets again is known by topic, partition and offset. */
import { keyOf, type XrayRecord } from './records.js';

export interface FeedState {
  readonly records: ReadonlyMap<string, XrayRecord>;
  readonly live: boolean;
  /** The server had older messages than it sent. */
  readonly earlier: boolean;
  /** Why nothing comes, in words. */
  readonly fault?: string | undefined;
}

export interface FeedOptions {
  readonly conversationId: string;
  readonly token?: (() => Promise<string>) | undefined;
}

const FIRST_WAIT = 500;
const LONGEST_WAIT = 10_000;
const KEPT = 600;

export class XrayFeed {
  private state: FeedState = { records: new Map(), live: false, earlier: false };
  private readonly listeners = new Set<() => void>();
  private socket: WebSocket | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private wait = FIRST_WAIT;
  private closed = false;

  constructor(private readonly options: FeedOptions) { void this.connect(); }

  readonly getSnapshot = (): FeedState => this.state;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => { this.listeners.delete(listener); };
  };

  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
    this.socket?.close(1000);
  }

  private async connect(): Promise<void> {
    const { conversationId, token } = this.options;
    const url = new URL(`/v1/admin/conversations/${encodeURIComponent(conversationId)}/xray`, window.location.href.replace(/^http/, 'ws'));
    const bearer = await token?.().catch(() => undefined);
    if (this.closed) return;
    const socket = new WebSocket(url, ['confab.xray.v1', ...(bearer === undefined ? [] : [`confab.bearer.${bearer}`])]);
    this.socket = socket;
    socket.addEventListener('message', ({ data }) => { this.take(JSON.parse(String(data)) as { type: string }); });
    socket.addEventListener('close', ({ code, reason }) => { this.lost(code, reason); });
  }

  private lost(code: number, reason: string): void {
    if (this.closed) return;
    // 41xx: the same will be said again, so it is not asked again.
    if (code >= 4100) { this.update({ live: false, fault: refusal(code, reason) }); return; }
    this.update({ live: false });
    this.timer = setTimeout(() => { void this.connect(); }, this.wait * (0.5 + Math.random() / 2));
    this.wait = Math.min(LONGEST_WAIT, this.wait * 2);
  }

  private take(frame: { readonly type: string }): void {
    if (frame.type === 'record') {
      const record = frame as unknown as XrayRecord;
      const records = new Map(this.state.records).set(keyOf(record), record);
      for (const [oldest] of records) { if (records.size <= KEPT) break; records.delete(oldest); }
      this.update({ records });
    } else if (frame.type === 'ready') {
      this.wait = FIRST_WAIT;
      this.update({ live: true, fault: undefined, earlier: (frame as { earlier?: boolean }).earlier ?? false });
    } else if (frame.type === 'error') this.update({ fault: (frame as unknown as { detail: string }).detail });
  }

  private update(part: Partial<FeedState>): void {
    this.state = { ...this.state, ...part };
    for (const listener of this.listeners) listener();
  }
}

function refusal(code: number, reason: string): string {
  if (code === 4100 || code === 4101) return 'The X-ray is for people on this machine, and for tokens with the scope admin.';
  return `The server closed the X-ray (${code}${reason === '' ? '' : ` ${reason}`}).`;
}
