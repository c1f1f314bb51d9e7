/** One entry of the conversation. Entries of one author in a row stand closer, and only the last of them tells the time. */
import { memo, type ReactElement } from 'react';
import type { Answer, Conversation, Entry, Handover, Said } from '../state/conversation.js';
import { markOf, wordsOf, type Mark } from '../state/shown.js';
import { MARKS } from '../state/words.js';
import { MarkIcon, RetryIcon } from './icons.js';
import { Prose } from './prose.js';
import { dayOf, timeOf } from './times.js';

export interface EntryViewProps {
  readonly entry: Entry;
  readonly before: Entry | undefined;
  readonly after: Entry | undefined;
  readonly conversation: Conversation;
  readonly onRetry: (key: string) => void;
}

export function EntryView({ entry, before, after, conversation, onRetry }: EntryViewProps): ReactElement {
  if (entry.kind === 'handover') return <HandoverView handover={entry} />;
  const day = before === undefined || before.kind === 'handover' || dayOf(before.at) !== dayOf(entry.at) ? dayBreak(entry.at, before) : undefined;
  const first = day !== undefined || sideOf(before) !== sideOf(entry);
  const last = sideOf(after) !== sideOf(entry);
  return (
    <>
      {day === undefined ? null : <li className="day"><span>{day}</span></li>}
      {entry.kind === 'said'
        ? <SaidView said={entry} words={wordsOf(conversation, entry)} mark={markOf(conversation, entry)} first={first} last={last} onRetry={onRetry} />
        : <AnswerView answer={entry} first={first} last={last} />}
    </>
  );
}

/** The day is named where a new one begins, and above the first entry unless that is of today. */
function dayBreak(at: string, before: Entry | undefined): string | undefined {
  const day = dayOf(at);
  if (before?.kind === 'handover') return undefined;
  return before === undefined && day === 'Today' ? undefined : day;
}

function sideOf(entry: Entry | undefined): string {
  if (entry === undefined || entry.kind === 'handover') return '';
  return entry.author.type === 'person' && entry.kind === 'said' ? 'mine' : `${entry.author.type} ${entry.author.name ?? ''}`;
}

const NAMES = { bot: 'Bot', agent: 'Agent', system: 'System', person: 'You' } as const;

interface SaidProps {
  readonly said: Said;
  readonly words: string;
  readonly mark: Mark;
  readonly first: boolean;
  readonly last: boolean;
  readonly onRetry: (key: string) => void;
}

const SaidView = memo(function SaidView({ said, words, mark, first, last, onRetry }: SaidProps): ReactElement {
  const mine = said.author.type === 'person';
  const told = mark === 'silent' || mark === 'handed_off' || mark === 'dead_lettered';
  return (
    <li className={`entry ${mine ? 'mine' : 'theirs'} ${mark}${first ? ' first' : ''}`}>
      <span className="unseen">{mine ? 'You' : said.author.name ?? NAMES[said.author.type]}:</span>
      <div className="bubble"><Prose text={words} /></div>
      {mark === 'failed' ? (
        <p className="note bad">{MARKS.failed}: {said.fault} <button type="button" className="link" onClick={() => { onRetry(said.key); }}><RetryIcon />Try again</button></p>
      ) : told ? <p className={mark === 'dead_lettered' ? 'note bad' : 'note'}>{MARKS[mark]}</p> : null}
      {mine && mark !== 'failed' && (last || mark === 'sending' || mark === 'accepted')
        ? <p className="meta"><time dateTime={said.at}>{timeOf(said.at)}</time><span className="mark" title={MARKS[mark]}><MarkIcon mark={mark} /><span className="unseen">{told ? '' : MARKS[mark]}</span></span></p> : null}
    </li>
  );
});

const AnswerView = memo(function AnswerView({ answer, first, last }: { readonly answer: Answer; readonly first: boolean; readonly last: boolean }): ReactElement {
  const name = answer.author.name ?? NAMES[answer.author.type];
  return (
    <li className={`entry theirs${first ? ' first' : ''}`}>
      {first ? <p className="who">{name}</p> : <span className="unseen">{name}:</span>}
      {answer.parts.map((part, index) => <div className="bubble" key={index}><Prose text={part} /></div>)}
      {last ? <p className="meta"><time dateTime={answer.at}>{timeOf(answer.at)}</time></p> : null}
    </li>
  );
});

function HandoverView({ handover }: { readonly handover: Handover }): ReactElement {
  return <li className="day"><span>{handover.to === 'person' ? 'A person takes over' : 'The bot is back'}</span></li>;
}
