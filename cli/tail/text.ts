/** A record of any topic: as a line for people and as a line of JSON. */
import { describeRecord, toJson, type Decoded, type PlacedRecord } from '../../inspect/index.js';
import type { TopicName } from '../../topology/topology.js';
import { harmlessJson, harmlessLine, type Paint } from '../terminal.js';
import { fitTo, padTo, widthOf } from '../text-width.js';

export interface LineOptions {
  readonly paint: Paint;
  /** Of the terminal: longer lines are cut there. */
  readonly columns?: number | undefined;
}

const PLACE_WIDTH = 8;
const KEY_WIDTH = 20;
const LEAST_ROOM = 20;

/** Time, partition@offset, key, what it says. */
export function recordLine(topic: TopicName, { partition, record }: PlacedRecord, decoded: Decoded, { paint, columns }: LineOptions): string {
  const time = timeText(record.timestamp);
  const place = padTo(`${partition}@${record.offset}`, PLACE_WIDTH);
  const key = padTo(harmlessLine((record.key ?? '(no key)').replaceAll('\0', ' ')), KEY_WIDTH);
  const said = harmlessLine(describeRecord(topic, record, decoded));
  const room = columns === undefined ? Infinity : Math.max(LEAST_ROOM, columns - widthOf(`${time}  ${place}  ${key}  `));
  const shown = room === Infinity ? said : fitTo(said, room);
  return `${paint('dim', time)}  ${paint('dim', place)}  ${paint('cyan', key)}  ${'undecodable' in decoded ? paint('red', shown) : 'tombstone' in decoded ? paint('dim', shown) : shown}`;
}

/** With everything that the log has of it. */
export function recordJson(topic: string, { partition, record }: PlacedRecord, decoded: Decoded): string {
  return harmlessJson({
    topic, partition, offset: record.offset, timestamp: timeText(record.timestamp), key: record.key,
    ...(record.headers === undefined ? {} : { headers: record.headers }), value: toJson(decoded),
  });
}

function timeText(millis: number): string {
  const date = new Date(millis);
  return Number.isNaN(date.getTime()) ? String(millis) : date.toISOString();
}
