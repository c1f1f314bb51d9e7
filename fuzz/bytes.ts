/** Bytes and words that break things: what generators of several fuzz tests begin with. */
import fc from 'fast-check';

/** Any bytes. */
export const bytes = (maxLength = 200): fc.Arbitrary<Buffer> => fc.uint8Array({ maxLength, size: 'max' }).map((found) => Buffer.from(found));

type Change = (source: Buffer) => Buffer;

const at = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
const INTERESTING = [0, 1, 0x7f, 0x80, 0xff, 0x20, 0x0a, 0x0d];

/** One change to bytes: cut, flip, set, insert, repeat, swap a 32-bit number for one at the edge. */
const change: fc.Arbitrary<Change> = fc.oneof(
  at.map((where): Change => (source) => source.subarray(0, Math.floor(where * source.length))),
  fc.tuple(at, fc.integer({ min: 0, max: 7 })).map(([where, bit]): Change => (source) => {
    const copy = Buffer.from(source);
    const index = Math.floor(where * copy.length);
    if (copy.length > 0) copy[index] = (copy[index] ?? 0) ^ (1 << bit);
    return copy;
  }),
  fc.tuple(at, fc.constantFrom(...INTERESTING)).map(([where, value]): Change => (source) => {
    const copy = Buffer.from(source);
    if (copy.length > 0) copy[Math.floor(where * copy.length)] = value;
    return copy;
  }),
  fc.tuple(at, bytes(16)).map(([where, more]): Change => (source) => {
    const index = Math.floor(where * source.length);
    return Buffer.concat([source.subarray(0, index), more, source.subarray(index)]);
  }),
  fc.tuple(at, at).map(([from, to]): Change => (source) => {
    const [first = 0, last = 0] = [from, to].map((where) => Math.floor(where * source.length)).sort((a, b) => a - b);
    return Buffer.concat([source.subarray(0, last), source.subarray(first)]);
  }),
  fc.tuple(at, fc.constantFrom(0x7fffffff, -1, -2147483648, 0, 0x10000, -12)).map(([where, number]): Change => (source) => {
    const copy = Buffer.from(source);
    if (copy.length >= 4) copy.writeInt32BE(number, Math.floor(where * (copy.length - 3)));
    return copy;
  }),
);

/** Bytes of `source` with one to five changes. */
export function mutated(source: fc.Arbitrary<Buffer>): fc.Arbitrary<Buffer> {
  return fc.tuple(source, fc.array(change, { minLength: 1, maxLength: 5 })).map(([from, changes]) => changes.reduce((found, one) => one(found), from));
}

/** Texts with a meaning somewhere: to a parser, a shell, a terminal, JavaScript, a file system. */
export const nastyText: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom('', ' ', '0', '-1', '1e309', 'NaN', 'null', 'true', '__proto__', 'constructor', 'toString', 'hasOwnProperty', '../../etc/passwd', '/dev/null', 'a\0b', '%00', '%', '%zz', '\u001b[2J', '\u202e', '\ud800', '${x}', '{{x}}', "'", '"', '\\', '\r\n', 'ﬀ', 'İ', '😀', '-', '--', '*', '$&', '.'),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.string({ maxLength: 20 }),
);

/** Without halves of pairs, which have no form in UTF-8. */
export const wellFormed = (text: string): string => text.replace(/\p{Cs}/gu, '\ufffd');

/** Any JSON value, with keys that mean something to JavaScript among them. */
export const nastyJson: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    fc.oneof(fc.constant(null), fc.boolean(), fc.integer(), fc.double(), nastyText, fc.constantFrom(1e308, -0, 2 ** 53)),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.array(fc.tuple(nastyText, tie('value')), { maxLength: 4 }).map((entries) => Object.fromEntries(entries)),
  ),
})).value;
