/**
 * A trained tagger: the 8-bit weights of seen features that are not 0, found by an open-addressed table of their hashes, and the
 * transitions. Always used from its bytes, also right after training, so that one from the cache finds the same.
 */
import { createHash } from 'node:crypto';
import { eachFeature } from './features.js';
import { begins, entityOf, Lattice, OUTSIDE } from './lattice.js';
import { slotTokens, type SlotToken } from './tokens.js';

export interface SlotHead {
  /** Changes with the examples and the code. */
  readonly id: string;
  /** Names of the entities, in the order of labels. */
  readonly entities: readonly string[];
  readonly rows: number;
  /** How many are not 0, of all rows. */
  readonly weights: number;
  readonly tableBits: number;
  /** What margins are divided by to become confidences. */
  readonly temperature: number;
}

export interface SlotArrays {
  readonly keys: Uint32Array;
  readonly rowAt: Uint32Array;
  readonly scales: Float32Array;
  /** Where the weights of a row begin; one more than rows. */
  readonly starts: Uint32Array;
  readonly transitions: Float32Array;
  /** Label of each weight. */
  readonly places: Uint16Array;
  readonly weights: Int8Array;
}

export interface SlotSpan {
  readonly entity: string;
  readonly start: number;
  readonly end: number;
  /** 0 to 1. */
  readonly confidence: number;
}

export interface SlotTagger {
  /** Id of the model. */
  readonly model: string;
  /** In order of start, none within another. `intent` is the likeliest one, also where it is not likely enough to act on. */
  tag(text: string, intent: string | null): SlotSpan[];
}

const MAGIC = 0x31544c53;
const HEAD = 8;
const SUM = 32;
const slotOf = (hash: number, mask: number): number => (hash ^ (hash >>> 16)) & mask;

/** The table of hashes; none is 0. */
export function hashTable(hashes: readonly number[]): Pick<SlotArrays, 'keys' | 'rowAt'> & { tableBits: number } {
  const tableBits = Math.max(4, Math.ceil(Math.log2(hashes.length * 1.6 + 1)));
  const keys = new Uint32Array(2 ** tableBits);
  const rowAt = new Uint32Array(2 ** tableBits);
  const mask = keys.length - 1;
  hashes.forEach((hash, row) => {
    let place = slotOf(hash, mask);
    while (keys[place] !== 0) place = (place + 1) & mask;
    keys[place] = hash;
    rowAt[place] = row;
  });
  return { keys, rowAt, tableBits };
}

export function encodeSlots(head: SlotHead, arrays: SlotArrays): Buffer {
  const json = Buffer.from(JSON.stringify(head));
  const padded = Buffer.concat([json, Buffer.alloc((4 - (json.length % 4)) % 4, 0x20)]);
  const start = Buffer.alloc(HEAD);
  start.writeUInt32LE(MAGIC, 0);
  start.writeUInt32LE(padded.length, 4);
  const parts = [arrays.keys, arrays.rowAt, arrays.scales, arrays.starts, arrays.transitions, arrays.places, arrays.weights];
  const body = Buffer.concat([start, padded, ...parts.map((part) => Buffer.from(part.buffer, part.byteOffset, part.byteLength))]);
  return Buffer.concat([createHash('sha256').update(body).digest(), body]);
}

/** The tagger of the bytes, or undefined when they are not one (cut, changed, of another program). */
export function decodeSlots(bytes: Buffer): SlotTagger | undefined {
  if (bytes.length < SUM + HEAD || !createHash('sha256').update(bytes.subarray(SUM)).digest().equals(bytes.subarray(0, SUM))) return undefined;
  if (bytes.readUInt32LE(SUM) !== MAGIC) return undefined;
  const size = bytes.readUInt32LE(SUM + 4);
  const head = JSON.parse(bytes.toString('utf8', SUM + HEAD, SUM + HEAD + size)) as SlotHead;
  // A copy that begins at 0: typed arrays need aligned places.
  const body = bytes.buffer.slice(bytes.byteOffset + SUM + HEAD + size, bytes.byteOffset + bytes.length) as ArrayBuffer;
  const labels = head.entities.length * 2 + 1;
  const places = 2 ** head.tableBits;
  let at = 0;
  const next = (count: number): [ArrayBuffer, number, number] => { const from = at; at += count * 4; return [body, from, count]; };
  const arrays: SlotArrays = {
    keys: new Uint32Array(...next(places)), rowAt: new Uint32Array(...next(places)), scales: new Float32Array(...next(head.rows)),
    starts: new Uint32Array(...next(head.rows + 1)), transitions: new Float32Array(...next((labels + 1) * labels)),
    places: new Uint16Array(body, at, head.weights), weights: new Int8Array(body, at + head.weights * 2, head.weights),
  };
  return createTagger(head, arrays);
}

function createTagger(head: SlotHead, arrays: SlotArrays): SlotTagger {
  const labels = head.entities.length * 2 + 1;
  const lattice = new Lattice(labels, arrays.transitions);
  return {
    model: head.id,
    tag(text, intent) {
      const tokens = slotTokens(text);
      if (tokens.length === 0 || labels === 1) return [];
      lattice.reset(tokens.length);
      eachFeature(tokens, intent ?? '', (token, hash) => { addRow(arrays, hash, lattice.emissions, token * labels); });
      lattice.decode(tokens.length);
      const found = spansOf(lattice.best, tokens, head.entities);
      if (found.length === 0) return [];
      const margins: number[] = [];
      lattice.margins(tokens.length, (_token, margin) => { margins.push(margin); });
      return found.map(({ first, last, entity }) => {
        const margin = Math.min(...margins.slice(first, last + 1));
        const confidence = 1 / (1 + Math.exp(-margin / head.temperature));
        return { entity, start: tokens[first]?.start ?? 0, end: tokens[last]?.end ?? 0, confidence: Math.round(confidence * 1000) / 1000 };
      });
    },
  };
}

function addRow(arrays: SlotArrays, hash: number, emissions: Float64Array, base: number): void {
  const { keys, rowAt, scales, starts, places, weights } = arrays;
  const mask = keys.length - 1;
  let place = slotOf(hash, mask);
  let key = keys[place] as number;
  while (key !== hash && key !== 0) { place = (place + 1) & mask; key = keys[place] as number; }
  if (key === 0) return;
  const row = rowAt[place] as number;
  const scale = scales[row] as number;
  for (let at = starts[row] as number; at < (starts[row + 1] as number); at++) {
    const label = base + (places[at] as number);
    emissions[label] = (emissions[label] as number) + scale * (weights[at] as number);
  }
}

/** Runs of labels as spans of tokens. */
export function spansOf(best: Int32Array, tokens: readonly SlotToken[], entities: readonly string[]): { first: number; last: number; entity: string }[] {
  const found: { first: number; last: number; entity: string }[] = [];
  for (let at = 0; at < tokens.length; at++) {
    const label = best[at] as number;
    if (label === OUTSIDE) continue;
    const entity = entityOf(label);
    const first = at;
    while (at + 1 < tokens.length && best[at + 1] === begins(entity) + 1) at += 1;
    found.push({ first, last: at, entity: entities[entity] ?? '' });
  }
  return found;
}
