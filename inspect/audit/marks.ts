/**
 * What has been seen of each offset of a partition: some bits, in pages. The newest pages are plain arrays with prints
 * of each message (of its key, its time and its id), against which later records of the same message are held. Older
 * pages are packed into bit planes, most of which are empty or equal: a stretch in which all went well takes no room.
 */

/** Bits of a message's offset. */
export const MARK = {
  message: 1, intent: 2, reply: 4, letter: 8,
  /** The letter is of the message itself, not of what was understood: no intent may stand beside it. */
  early: 16,
  state: 32,
  /** Not yet older than the patience. */
  young: 64,
  /** Its intent record lies at or after what stage dialogue has committed. */
  waiting: 128,
  /** Something says that a reply was delivered. */
  delivered: 256,
  /** It was told that it has no outcome. */
  told: 512,
  /** What is odd about its records was told. */
  judged: 1024,
  /** Its record stands under the key of another conversation: it says nothing of order. */
  strayIntent: 2048, strayReply: 4096, strayState: 8192,
} as const;

export const OUTCOME = MARK.reply | MARK.letter;

/** Whether a sweep has something to say of a mark: what is told once, and what is open. */
export function isOpen(mark: number): boolean {
  return (mark & (MARK.message | OUTCOME | MARK.told)) === MARK.message;
}

export function isOdd(mark: number): boolean {
  if ((mark & MARK.message) === 0 || (mark & MARK.judged) !== 0) return false;
  if ((mark & MARK.reply) !== 0) return (mark & (MARK.letter | MARK.intent)) !== MARK.intent;
  return (mark & (MARK.state | MARK.delivered)) !== 0 || (mark & (MARK.early | MARK.intent)) === (MARK.early | MARK.intent);
}

/** Offsets of a page; a multiple of 8. */
const PAGE = 16_384;
const PLANES = 14;

/** Of a message: 32 bits of hash each. */
export interface Prints { readonly key: number; readonly time: number; readonly id: number }
/** Which of them a record does not share with its message. */
export const DIFFERS = { key: 1, time: 2, id: 4 } as const;

interface Page { readonly marks: Uint16Array; prints: Uint32Array | undefined }
/** A plane: undefined nothing set, null as the first plane, else its bits. */
interface Packed { readonly first: Uint8Array | 'all'; readonly planes: (Uint8Array | null | undefined)[]; readonly open: boolean }

export class Marks {
  private readonly pages = new Map<number, Page>();
  private readonly packed = new Map<number, Packed>();
  private packedBytes = 0;
  /** Offsets before this one were forgotten. */
  floor: number;

  /** `keep`: pages behind the newest that stay plain; `size`: offsets of a page. */
  constructor(readonly base: number, private readonly keep = 64, private readonly size = PAGE) {
    this.floor = base;
  }

  get bytes(): number { return this.packedBytes + this.packed.size * 64 + this.pages.size * this.size * 14; }

  get(offset: number): number {
    if (offset < this.floor) return 0;
    return this.page(offset).marks[(offset - this.base) % this.size] ?? 0;
  }

  set(offset: number, mark: number): void {
    if (offset < this.floor) return;
    this.page(offset).marks[(offset - this.base) % this.size] = mark;
  }

  /** Keeps the prints of a message. */
  print(offset: number, { key, time, id }: Prints): void {
    const page = this.page(offset);
    page.prints ??= new Uint32Array(3 * this.size);
    const at = 3 * ((offset - this.base) % this.size);
    page.prints[at] = key;
    page.prints[at + 1] = time;
    page.prints[at + 2] = id;
  }

  /** In what a record differs from its message (DIFFERS); undefined when that must be looked up. An id of 0 is like any. */
  differs(offset: number, { key, time, id }: Prints): number | undefined {
    const { prints } = this.page(offset);
    if (prints === undefined) return undefined;
    const at = 3 * ((offset - this.base) % this.size);
    return (prints[at] === key ? 0 : DIFFERS.key) | (prints[at + 1] === time ? 0 : DIFFERS.time) | (id === 0 || prints[at + 2] === id ? 0 : DIFFERS.id);
  }

  /** Packs what lies far enough behind; call it now and then. */
  pack(reached: number): void {
    const limit = Math.floor((reached - this.base) / this.size) - this.keep;
    for (const [number, page] of this.pages) {
      if (number < limit) this.packOne(number, page);
    }
  }

  /** Packs a page that was looked at; its prints are forgotten. */
  packPage(number: number): void {
    const page = this.pages.get(number);
    if (page !== undefined && page.prints === undefined) this.packOne(number, page);
  }

  /** Numbers of the pages in which something may be open or odd, in order. */
  openPages(): number[] {
    return this.numbers().filter((number) => this.packed.get(number)?.open !== false);
  }

  /** The page that was begun first; undefined when there is but one. */
  get oldest(): number | undefined {
    return this.pages.size + this.packed.size < 2 ? undefined : this.numbers()[0];
  }

  /** Offsets and marks of a page, in order. */
  *eachOf(number: number): Generator<[offset: number, mark: number]> {
    const marks = this.pages.get(number)?.marks ?? unpackPage(this.packed.get(number) as Packed, this.size);
    const start = this.base + number * this.size;
    for (let at = 0; at < this.size; at += 1) {
      const mark = marks[at] as number;
      if (mark !== 0) yield [start + at, mark];
    }
  }

  forget(number: number): void {
    this.pages.delete(number);
    const packed = this.packed.get(number);
    if (packed !== undefined) { this.packedBytes -= bytesOf(packed); this.packed.delete(number); }
    this.floor = this.base + (number + 1) * this.size;
  }

  private packOne(number: number, page: Page): void {
    this.pages.delete(number);
    const packed = packPage(page.marks);
    this.packed.set(number, packed);
    this.packedBytes += bytesOf(packed);
  }

  private numbers(): number[] { return [...this.pages.keys(), ...this.packed.keys()].sort((a, b) => a - b); }

  private page(offset: number): Page {
    const number = Math.floor((offset - this.base) / this.size);
    const found = this.pages.get(number);
    if (found !== undefined) return found;
    const packed = this.packed.get(number);
    const page: Page = { marks: packed === undefined ? new Uint16Array(this.size) : unpackPage(packed, this.size), prints: undefined };
    if (packed !== undefined) { this.packedBytes -= bytesOf(packed); this.packed.delete(number); }
    this.pages.set(number, page);
    return page;
  }
}

const bytesOf = ({ first, planes }: Packed): number => [first, ...planes].reduce((sum: number, plane) => sum + (plane instanceof Uint8Array ? plane.length : 0), 0);

function packPage(marks: Uint16Array): Packed {
  const planes = Array.from({ length: PLANES }, (_, bit) => planeOf(marks, bit));
  const first = planes[0] as Uint8Array;
  const open = marks.some((mark) => isOpen(mark) || isOdd(mark));
  return {
    first: first.every((byte) => byte === 0xff) ? 'all' : first, open,
    planes: planes.slice(1).map((plane) => (plane.every((byte) => byte === 0) ? undefined : plane.every((byte, at) => byte === first[at]) ? null : plane)),
  };
}

function planeOf(marks: Uint16Array, bit: number): Uint8Array {
  const plane = new Uint8Array(marks.length / 8);
  for (let at = 0; at < marks.length; at += 1) if (((marks[at] as number) >>> bit & 1) !== 0) plane[at >>> 3] = (plane[at >>> 3] as number) | 1 << (at & 7);
  return plane;
}

function unpackPage({ first, planes }: Packed, size: number): Uint16Array {
  const marks = new Uint16Array(size);
  const base = first === 'all' ? undefined : first;
  [base, ...planes].forEach((plane, bit) => {
    if (plane === undefined && bit > 0) return;
    const bits = plane ?? base;
    for (let at = 0; at < size; at += 1) if (bits === undefined || ((bits[at >>> 3] as number) >>> (at & 7) & 1) !== 0) marks[at] = (marks[at] as number) | 1 << bit;
  });
  return marks;
}
