/**
 * Seeded typing errors for test texts, as they happen on an English keyboard: a letter left out, doubled, hit beside, or two
 * the wrong way round. It has nothing in common with what training does to its copies.
 */
const BESIDE: Readonly<Record<string, string>> = {
  q: 'wa', w: 'qes', e: 'wrd', r: 'etf', t: 'ryg', y: 'tuh', u: 'yij', i: 'uok', o: 'ipl', p: 'ol', a: 'qsz', s: 'awdx', d: 'sefc', f: 'drgv',
  g: 'fthb', h: 'gyjn', j: 'hukm', k: 'jil', l: 'kop', z: 'asx', x: 'zsdc', c: 'xdfv', v: 'cfgb', b: 'vghn', n: 'bhjm', m: 'njk',
};

/** mulberry32. */
export function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** One error at a letter; a text without letters comes back as it is. */
export function mistype(text: string, random: () => number): string {
  const places = [...text.matchAll(/[a-z]/gi)].map(({ index }) => index);
  const at = places[Math.floor(random() * places.length)];
  if (at === undefined) return text;
  const letter = text[at] ?? '';
  const beside = BESIDE[letter.toLowerCase()] ?? letter;
  const hit = beside[Math.floor(random() * beside.length)] ?? letter;
  const before = text.slice(0, at);
  const after = text.slice(at + 1);
  switch (Math.floor(random() * 4)) {
    case 0: return before + after;
    case 1: return before + (after[0] ?? '') + letter + after.slice(1);
    case 2: return before + hit + after;
    default: return before + letter + hit + after;
  }
}

export const twoErrors = (text: string, random: () => number): string => mistype(mistype(text, random), random);
