/** The story of a conversation for people: a block a message, a line a record. */
import type { RecordView, Story, StoryTurn } from '../../inspect/index.js';
import { harmlessLine, type Colour, type Paint } from '../terminal.js';
import { padTo, widthOf, wrapTo } from '../text-width.js';

export interface TextOptions {
  readonly paint: Paint;
  /** Columns of the terminal; undefined: a record is one line, however long. */
  readonly columns?: number | undefined;
}

const TOPIC_WIDTH = 'dialogue-states.v1'.length;
const TIME_WIDTH = 9;
/** Narrower terminals wrap by themselves. */
const LEAST_ROOM = 20;

/** The whole of it, with a last newline. */
export function storyText(story: Story, options: TextOptions): string {
  const { paint } = options;
  const count = story.messages.length;
  const lines = [
    `${paint('bold', harmlessLine(`conversation ${story.conversationId}`))}  tenant ${story.tenant}, partition ${story.partition}, ${count} ${count === 1 ? 'message' : 'messages'}${story.more ? ' shown of more' : ''}`,
    ...notes(story).map((note) => paint('yellow', note)),
  ];
  for (const turn of story.messages) lines.push('', headText(turn, options), ...turn.records.flatMap((record) => recordLines(record, options)));
  if (story.others.length > 0) lines.push('', 'of messages that are no longer in the log', ...story.others.flatMap((record) => recordLines(record, options)));
  return `${lines.join('\n')}\n`;
}

function notes({ trimmed, cut, more, unreadable }: Story): string[] {
  return [
    ...(trimmed && !more ? ['The log no longer begins with its first record: older messages may have been removed by retention.'] : []),
    ...(cut ? ['The search ended before it had seen the whole partition: there may be more.'] : []),
    ...(unreadable.length > 0 ? [`Left out, since they are missing or may not be read: ${unreadable.join(', ')}.`] : []),
  ];
}

/** The first line of a message's block; of one that has only just come, its outcome is not said. */
export function headText({ acceptedAt, messageId, outcome, tookMs }: { acceptedAt: string; messageId: string | null } & Partial<Pick<StoryTurn, 'outcome' | 'tookMs'>>, { paint }: TextOptions): string {
  const head = `${paint('bold', acceptedAt)}  ${harmlessLine(messageId ?? '(no message id)')}`;
  if (outcome === undefined) return head;
  const said = outcome === null ? 'no outcome yet' : `${outcome}${tookMs === null || tookMs === undefined ? '' : ` in ${millisText(tookMs)}`}`;
  return `${head}  ${paint(outcomeColour(outcome), harmlessLine(said))}`;
}

function outcomeColour(outcome: string | null): Colour {
  if (outcome === null) return 'magenta';
  return outcome === 'dead_lettered' ? 'red' : outcome === 'answered' || outcome === 'ended' || outcome === 'timer' ? 'green' : 'yellow';
}

/** Topic, place, time since the hop before, and what it says. */
export function recordLines(record: RecordView, { paint, columns }: TextOptions): string[] {
  const place = `@${record.offset}`;
  const since = record.sincePreviousMs === null ? '' : `+${millisText(record.sincePreviousMs)}`;
  const lead = `  ${padTo(record.topic, TOPIC_WIDTH)}  ${padTo(place, 6)}  ${since.padStart(TIME_WIDTH)}  `;
  const room = columns === undefined ? Infinity : Math.max(LEAST_ROOM, columns - widthOf(lead));
  const said = harmlessLine(record.summary);
  const [first = '', ...rest] = room === Infinity ? [said] : wrapTo(said, room);
  const shown = `  ${paint(record.topic === 'dead-letters.v1' ? 'red' : 'cyan', padTo(record.topic, TOPIC_WIDTH))}  ${paint('dim', padTo(place, 6))}  ${paint(speedColour(record.sincePreviousMs), since.padStart(TIME_WIDTH))}  ${first}`;
  return [shown.trimEnd(), ...rest.map((line) => ' '.repeat(widthOf(lead)) + line)];
}

function speedColour(millis: number | null): Colour {
  return millis === null || millis < 100 ? 'green' : millis < 1_000 ? 'yellow' : 'red';
}

/** Short enough for a column: `7 ms`, `1.25 s`, `3 min`, `2 h`, `5 d`. */
export function millisText(millis: number): string {
  const size = Math.abs(millis);
  if (size < 1_000) return `${Math.round(millis)} ms`;
  if (size < 60_000) return `${(millis / 1_000).toFixed(2)} s`;
  if (size < 3_600_000) return `${Math.round(millis / 60_000)} min`;
  return size < 86_400_000 ? `${(millis / 3_600_000).toFixed(1)} h` : `${(millis / 86_400_000).toFixed(1)} d`;
}
