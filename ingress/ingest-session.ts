/**
 * One socket of `/v1/ingest`. Answers of a conversation leave in the order of its messages; those of one turn leave together.
 * What is in flight is bounded: at the bound the socket is not read, so the client's own buffers fill and it waits.
 */
import { requireConversation } from '../platform/auth/auth.js';
import { ConfabError, toConfabError, type ErrorCode } from '../platform/errors.js';
import type { IncomingFrame, SocketHandler, SocketSession } from '../platform/http/socket-session.js';
import { detailLine, type ValidateFunction } from '../platform/http/validator.js';
import type { Message } from '../schemas/types.js';
import type { Accepted, Submission } from './acceptance/submission.js';
import type { IngestMessage } from './frames.js';
import { draftMessage } from './message-draft.js';
import type { MessageBody } from './message-schema.js';
import type { AcceptSpan } from './plugins/accept-span.js';
import type { IngressContext } from './server.js';

/** Answers that the client does not read stop its messages from being read. */
const MAX_UNREAD_BYTES = 1024 * 1024;

export class IngestSession implements SocketHandler {
  private readonly session: SocketSession;
  private readonly ingress: IngressContext;
  private readonly validate: ValidateFunction<IngestMessage>;
  /** The latest message in flight of each conversation. */
  private readonly latest = new Map<string, Entry>();
  private answers: string[] = [];
  private inFlight = 0;

  constructor(session: SocketSession, ingress: IngressContext, validate: ValidateFunction<IngestMessage>) {
    this.session = session;
    this.ingress = ingress;
    this.validate = validate;
  }

  frame(frame: IncomingFrame): void {
    if (frame.type !== 'message' || typeof frame.ref !== 'string') {
      this.session.sendError(new ConfabError('CONFAB_FRAME_INVALID', { detail: frame.type === 'message' ? '/ref is required' : 'The frame type is not known here.' }));
      return;
    }
    const conversationId = typeof frame.conversationId === 'string' ? frame.conversationId : '';
    const entry = this.enqueue(frame.ref, conversationId);
    try {
      this.take(frame, entry);
    } catch (error) {
      entry.done(toConfabError(error), undefined);
    }
  }

  closed(): void {
    // Messages under way are written all the same; nobody is there for the answers.
    this.answers = [];
  }

  private take(frame: IncomingFrame, entry: Entry): void {
    const candidate: unknown = frame;
    if (!this.validate(candidate)) throw this.frameError();
    const { principal } = this.session;
    requireConversation(principal, candidate.conversationId, 'write');
    entry.tenant = principal.tenant;
    entry.message = draftMessage(this.ingress, principal, candidate.conversationId, bodyOf(candidate), candidate.idempotencyKey);
    entry.span = this.ingress.beginSpan();
    this.ingress.acceptor.submit(entry);
  }

  private frameError(): ConfabError {
    const first = this.validate.errors?.[0]?.instancePath;
    const code: ErrorCode = first === '/conversationId' ? 'CONFAB_CONVERSATION_ID_INVALID' : first === '/idempotencyKey' ? 'CONFAB_IDEMPOTENCY_KEY_INVALID' : 'CONFAB_FRAME_INVALID';
    return new ConfabError(code, code === 'CONFAB_FRAME_INVALID' ? { detail: detailLine(this.validate) } : {});
  }

  private enqueue(ref: string, conversationId: string): Entry {
    const entry = new Entry(this, ref, conversationId);
    const before = this.latest.get(conversationId);
    if (before) { before.next = entry; entry.blocked = true; }
    this.latest.set(conversationId, entry);
    this.inFlight += 1;
    if (this.inFlight >= this.ingress.socketInFlight) this.session.pause();
    return entry;
  }

  /** Called by an entry that has its answer: it leaves, with those behind it that waited for it. */
  answered(entry: Entry): void {
    if (entry.blocked) return;
    for (let each: Entry | undefined = entry; each?.answer !== undefined; each = each.next) {
      each.blocked = false;
      if (this.answers.push(each.answer) === 1) queueMicrotask(() => { this.flush(); });
      this.inFlight -= 1;
      if (this.latest.get(each.conversationId) === each) this.latest.delete(each.conversationId);
      else if (each.next) each.next.blocked = false;
    }
  }

  private flush(): void {
    const { answers } = this;
    this.answers = [];
    const last = answers.length - 1;
    for (let i = 0; i < last; i += 1) this.session.sendText(answers[i] ?? '');
    this.session.sendText(answers[last] ?? '', this.readOn);
    if (this.session.bufferedBytes > MAX_UNREAD_BYTES) this.session.pause();
  }

  /** The network has taken the latest answers. */
  private readonly readOn = (): void => {
    if (this.inFlight <= this.ingress.socketInFlight / 2 && this.session.bufferedBytes <= MAX_UNREAD_BYTES) this.session.resume();
  };
}

/** A message in flight on a socket: itself what acceptance calls back. */
class Entry implements Submission {
  tenant = '';
  // Set before it is submitted.
  message!: Message;
  span: AcceptSpan | undefined = undefined;
  next: Entry | undefined;
  blocked = false;
  answer: string | undefined;

  constructor(private readonly owner: IngestSession, readonly ref: string, readonly conversationId: string) {}

  get traceparent(): string | undefined { return this.span?.traceparent; }

  done(error: ConfabError | undefined, accepted: Accepted | undefined): void {
    this.span?.end(error, accepted);
    const ref = JSON.stringify(this.ref);
    if (accepted) {
      // Ids and positions need no escaping.
      this.answer = `{"type":"accepted","ref":${ref},"messageId":"${accepted.messageId}","position":"${accepted.position}","duplicate":${accepted.duplicate}}`;
    } else {
      const { code = 'CONFAB_INTERNAL', detail = '', retryAfterMs } = error ?? {};
      this.answer = `{"type":"rejected","ref":${ref},"code":"${code}","detail":${JSON.stringify(detail)}${retryAfterMs === undefined ? '' : `,"retryAfterMs":${Math.ceil(retryAfterMs)}`}}`;
    }
    this.owner.answered(this);
  }
}

/** What a key stands for: the message without the frame around it, so that HTTP and sockets agree. */
function bodyOf(frame: IngestMessage): MessageBody {
  if (frame.idempotencyKey === undefined) return frame;
  const { type: _type, ref: _ref, conversationId: _conversationId, idempotencyKey: _key, ...body } = frame;
  return body;
}
