/** What was said, oldest first. It follows the end while one is there, and stays where one reads. */
import { useCallback, useEffect, useLayoutEffect, useRef, useState, type ReactElement, type RefObject } from 'react';
import type { ChatSession, ChatSnapshot } from '../state/session.js';
import type { Entry } from '../state/conversation.js';
import { whoIsWriting } from '../state/shown.js';
import { EntryView } from './entry-view.js';
import { DownIcon } from './icons.js';
import { DraftView, WritingView } from './writing.js';

export function MessageLog({ session, snapshot }: { readonly session: ChatSession; readonly snapshot: ChatSnapshot }): ReactElement {
  const { conversation, reading, fault } = snapshot;
  const { entries, drafts } = conversation;
  const scroller = useRef<HTMLDivElement>(null);
  const writing = whoIsWriting(conversation);
  const atEnd = useFollowing(scroller, entries, drafts.reduce((sum, { text }) => sum + text.length, 0) + (writing === undefined ? 0 : 1));
  const readOlder = useCallback(() => { void session.readOlder(); }, [session]);
  useAtTop(scroller, readOlder);

  return (
    <div className="log-place">
      {/* A region that scrolls must take the focus, so that keys can scroll it. */}
      <div className="log" ref={scroller} role="log" aria-label="Conversation" aria-busy={reading !== undefined} tabIndex={0}>
        <Beginning snapshot={snapshot} onOlder={readOlder} />
        <ol className="entries">
          {entries.map((entry, index) => (
            <EntryView key={entry.key} entry={entry} before={entries[index - 1]} after={entries[index + 1]} conversation={conversation} onRetry={(key) => { session.retry(key); }} />
          ))}
          {drafts.map((draft) => <DraftView key={draft.replyId} text={draft.text} />)}
        </ol>
        {writing === undefined ? null : <WritingView author={writing} />}
        {fault === undefined ? null : <p className="fault" role="alert">The history could not be read: {fault} <button type="button" className="link" onClick={() => { void session.readLatest(); }}>Try again</button></p>}
      </div>
      {atEnd ? null : <button type="button" className="to-end" aria-label="Go to the newest message" onClick={() => { scroller.current?.scrollTo({ top: scroller.current.scrollHeight }); }}><DownIcon /></button>}
    </div>
  );
}

function Beginning({ snapshot, onOlder }: { readonly snapshot: ChatSnapshot; readonly onOlder: () => void }): ReactElement | null {
  const { reading, conversation: { entries, older, truncated } } = snapshot;
  if (reading === 'latest' && entries.length === 0) return null;
  if (reading !== undefined) return <p className="beginning">Reading earlier messages…</p>;
  if (typeof older === 'string') return <p className="beginning"><button type="button" className="link" onClick={onOlder}>Earlier messages</button></p>;
  return truncated ? <p className="beginning">Earlier messages are no longer kept.</p> : null;
}

/** Distance from the end within which one counts as being there. */
const NEAR = 80;

/** Keeps the end in sight, or else the place where one reads when older messages come in above it. */
function useFollowing(scroller: RefObject<HTMLDivElement | null>, entries: readonly Entry[], growth: number): boolean {
  const [atEnd, setAtEnd] = useState(true);
  const following = useRef(true);
  const seen = useRef<{ first: string | undefined; height: number }>({ first: undefined, height: 0 });
  useEffect(() => {
    const element = scroller.current;
    if (element === null) return undefined;
    const look = (): void => {
      following.current = element.scrollHeight - element.scrollTop - element.clientHeight < NEAR;
      setAtEnd(following.current);
    };
    const resized = new ResizeObserver(() => { if (following.current) element.scrollTop = element.scrollHeight; });
    element.addEventListener('scroll', look, { passive: true });
    resized.observe(element);
    return () => { element.removeEventListener('scroll', look); resized.disconnect(); };
  }, [scroller]);
  const first = entries[0]?.key;
  const last = entries.at(-1);
  useLayoutEffect(() => {
    const element = scroller.current;
    if (element === null) return;
    // What one says oneself is looked at, wherever one was.
    if (last?.kind === 'said' && last.position === undefined) following.current = true;
    if (following.current) element.scrollTop = element.scrollHeight;
    else if (seen.current.first !== first) element.scrollTop += element.scrollHeight - seen.current.height;
    seen.current = { first, height: element.scrollHeight };
  }, [scroller, entries, growth, first, last]);
  return atEnd;
}

/** Calls `run` when one has scrolled to the top. */
function useAtTop(scroller: RefObject<HTMLDivElement | null>, run: () => void): void {
  useEffect(() => {
    const element = scroller.current;
    if (element === null) return undefined;
    let before = element.scrollTop;
    const look = (): void => {
      if (element.scrollTop < 40 && before >= 40) run();
      before = element.scrollTop;
    };
    element.addEventListener('scroll', look, { passive: true });
    return () => { element.removeEventListener('scroll', look); };
  }, [scroller, run]);
}
