/** One viewer of `GET /v1/admin/conversations/{conversationId}/xray`: the recent story first, then records as they come. */
import { requireScope, type Principal } from '../platform/auth/auth.js';
import { conversationKey } from '../platform/conversation-key.js';
import { ConfabError, toConfabError } from '../platform/errors.js';
import { CloseCode } from '../platform/http/close-codes.js';
import type { IncomingFrame, SocketHandler, SocketSession } from '../platform/http/socket-session.js';
import type { Follower, Viewer, Watch } from './follower.js';
import type { RecordView } from './record-view.js';
import type { StoryReader } from './story.js';
import type { Hop, StoryTracker } from './story-tracker.js';
import type { XrayFrame } from './xray-frames.js';

export interface XrayOptions {
  readonly session: SocketSession;
  readonly follower: Follower;
  readonly reader: StoryReader;
  readonly conversationId: string;
  /** Messages of the story that comes first. */
  readonly limit: number;
  /** Bytes that may wait for the network before the viewer counts as too slow. */
  readonly maxQueueBytes: number;
  readonly authRequired: boolean;
  closed(): void;
}

/** Records that may come while the story is read. */
const MOST_WAITING = 10_000;

export class XraySession implements SocketHandler, Viewer {
  private watch: Watch | undefined;
  private tracker: StoryTracker | undefined;
  private waiting: Hop[] = [];
  private faulty = false;
  private ended = false;

  constructor(private readonly options: XrayOptions) {}

  /** Call once the handler is in place. */
  async begin(): Promise<void> {
    const { session, follower, reader, conversationId, limit } = this.options;
    try {
      const { tenant } = session.principal;
      const watch = await follower.watch(conversationKey(tenant, conversationId), this);
      if (this.ended) { watch.close(); return; }
      this.watch = watch;
      const { story, tracker } = await reader.read({ tenant, conversationId, limit, bounds: watch.bounds });
      for (const record of [...story.others, ...story.messages.flatMap(({ records }) => records)]) await this.paced(record);
      this.send({ type: 'ready', conversationId, partition: story.partition, earlier: story.more, unreadable: story.unreadable });
      this.tracker = tracker;
      this.records(this.waiting.splice(0));
    } catch (thrown) {
      session.fail(toConfabError(thrown, 'CONFAB_LOG_UNAVAILABLE'));
    }
  }

  frame(frame: IncomingFrame): void {
    this.options.session.sendError(new ConfabError('CONFAB_FRAME_INVALID', { detail: `This socket takes no frame but auth; "${frame.type.slice(0, 40)}" is none.` }));
  }

  renewed(principal: Principal): void {
    if (this.options.authRequired) requireScope(principal, 'admin');
  }

  closed(): void {
    this.ended = true;
    this.watch?.close();
    this.waiting = [];
    this.options.closed();
  }

  records(hops: readonly Hop[]): void {
    if (this.ended || hops.length === 0) return;
    this.faulty = false;
    if (this.tracker === undefined) {
      this.waiting.push(...hops);
      if (this.waiting.length > MOST_WAITING) this.tooSlow();
      return;
    }
    for (const hop of hops) this.send({ type: 'record', ...this.tracker.view(hop) });
  }

  failed(error: ConfabError): void {
    // Once for each fault, however often it is tried again.
    if (!this.faulty) this.options.session.sendError(error);
    this.faulty = true;
  }

  private send(frame: XrayFrame): void {
    const { session, maxQueueBytes } = this.options;
    session.sendText(JSON.stringify(frame));
    if (session.bufferedBytes > maxQueueBytes) this.tooSlow();
  }

  /** The story goes out no faster than it is taken. */
  private paced(record: RecordView): Promise<void> {
    const { session, maxQueueBytes } = this.options;
    const text = JSON.stringify({ type: 'record', ...record });
    if (this.ended || session.bufferedBytes < maxQueueBytes / 4) { session.sendText(text); return Promise.resolve(); }
    return new Promise((resolve) => {
      if (session.open) session.sendText(text, () => { resolve(); }); else resolve();
    });
  }

  private tooSlow(): void { this.options.session.close(CloseCode.SLOW_CONSUMER, 'CONFAB_SLOW_CONSUMER', 0); }
}
