/**
 * Values of lists in a text: exactly as they are written, with a typing error, or with a blank missing. A search begins at
 * each word, walks a tree of phrases and visits a bounded number of its nodes, so the time is linear in the text and does
 * not grow with the lists.
 */
import type { Token } from '../text.js';
import type { EntityDefinition } from '../types.js';
import { DeletionIndex } from './deletion-index.js';
import type { FoundEntity } from './found.js';
import { listWords, plain } from './words.js';

interface End { readonly entity: EntityDefinition; readonly value: string; readonly letters: number; /** Errors that the form itself has: a missing blank. */ readonly errors: number }
interface Node { readonly next: Map<number, Node>; readonly ends: End[] }
interface Candidate { readonly word: number; readonly distance: number }
interface Walk { readonly start: number; visits: number; readonly best: Map<EntityDefinition, Best> }
interface Best { length: number; distance: number; readonly values: Map<string, End> }

const MOST_VISITS = 64;
const MOST_ERRORS = 2;
const MOST_CANDIDATES = 4;
/** Shorter phrases are not looked for without their blanks. */
const LEAST_JOINED = 6;
const NOTHING: readonly Candidate[] = [];

export interface PhraseFinder {
  /** Adds what it finds; at most `most` in all. */
  find(text: string, into: FoundEntity[], most: number): void;
  /** Steps so far: what a search costs, whatever the machine is. */
  work(): number;
}

/** @param known words that are right as they are and no mistyped others: those of the bot's own examples */
export function createPhraseFinder(entities: readonly EntityDefinition[], known: ReadonlySet<string>): PhraseFinder | undefined {
  const tree = new PhraseTree();
  for (const entity of entities) for (const { value, synonyms } of entity.values) for (const synonym of synonyms) tree.add(entity, value, synonym);
  return tree.size === 0 ? undefined : new Search(tree, known);
}

class PhraseTree {
  readonly root: Node = { next: new Map(), ends: [] };
  readonly ids = new Map<string, number>();
  readonly words: string[] = [];
  get size(): number { return this.words.length; }

  add(entity: EntityDefinition, value: string, synonym: string): void {
    const words = listWords(synonym).map((token) => token.word);
    if (words.length === 0) return;
    const letters = words.reduce((sum, word) => sum + word.length, 0);
    this.put(words, { entity, value, letters, errors: 0 });
    if (words.length > 1 && letters >= LEAST_JOINED && entity.fuzzy !== false) this.put([words.join('')], { entity, value, letters, errors: 1 });
  }

  private put(words: readonly string[], end: End): void {
    let node = this.root;
    for (const word of words) {
      const id = this.id(word);
      const next = node.next.get(id) ?? { next: new Map(), ends: [] };
      node.next.set(id, next);
      node = next;
    }
    if (!node.ends.some((one) => one.entity === end.entity && one.value === end.value)) node.ends.push(end);
  }

  private id(word: string): number {
    const found = this.ids.get(word);
    if (found !== undefined) return found;
    this.ids.set(word, this.words.length);
    return this.words.push(word) - 1;
  }
}

class Search implements PhraseFinder {
  private readonly index: DeletionIndex | undefined;
  private visited = 0;

  constructor(private readonly tree: PhraseTree, private readonly known: ReadonlySet<string>) {
    this.index = new DeletionIndex(tree.words.map(plain));
  }

  work(): number { return this.visited + (this.index?.work ?? 0); }

  find(text: string, into: FoundEntity[], most: number): void {
    const tokens = listWords(text);
    const candidates = tokens.map((token) => this.candidates(token.word));
    for (let start = 0; start < tokens.length && into.length < most; start++) {
      if (candidates[start] === NOTHING) continue;
      const walk: Walk = { start, visits: 0, best: new Map() };
      this.descend(walk, this.tree.root, candidates, 0, 0);
      for (const [entity, best] of walk.best) {
        // As near to one value as to another: neither.
        if (best.values.size !== 1) continue;
        const [[value, { letters }]] = best.values as unknown as [[string, End]];
        into.push(toFound(entity, value, tokens, { start, length: best.length, distance: best.distance, letters }));
      }
    }
  }

  private candidates(word: string): readonly Candidate[] {
    this.visited += 1;
    const exact = this.tree.ids.get(word);
    if (exact !== undefined) return [{ word: exact, distance: 0 }];
    if (!this.index || this.known.has(word)) return NOTHING;
    const near = this.index.nearest(plain(word));
    if (near.length === 0 || near.length > MOST_CANDIDATES) return NOTHING;
    // Other accents are an error too, but a small one.
    return near.map(({ word: id, distance }) => ({ word: id, distance: Math.max(distance, 0.5) }));
  }

  private descend(walk: Walk, node: Node, candidates: readonly (readonly Candidate[])[], length: number, distance: number): void {
    for (const end of node.ends) note(walk, end, length, distance);
    for (const candidate of candidates[walk.start + length] ?? NOTHING) {
      const next = node.next.get(candidate.word);
      if (!next || distance + candidate.distance > MOST_ERRORS || walk.visits >= MOST_VISITS) continue;
      walk.visits += 1;
      this.visited += 1;
      this.descend(walk, next, candidates, length + 1, distance + candidate.distance);
    }
  }
}

/** The longest counts, of equally long ones the nearest. */
function note(walk: Walk, end: End, length: number, typed: number): void {
  const distance = typed + end.errors;
  if (distance > 0 && (end.entity.fuzzy === false || distance > MOST_ERRORS)) return;
  const best = walk.best.get(end.entity);
  if (best && (best.length > length || (best.length === length && best.distance < distance))) return;
  if (best?.length === length && best.distance === distance) { best.values.set(end.value, end); return; }
  walk.best.set(end.entity, { length, distance, values: new Map([[end.value, end]]) });
}

interface Match { readonly start: number; readonly length: number; readonly distance: number; readonly letters: number }

function toFound(entity: EntityDefinition, value: string, tokens: readonly Token[], match: Match): FoundEntity {
  const exact = match.distance === 0;
  return {
    name: entity.name, value, start: tokens[match.start]?.start ?? 0, end: tokens[match.start + match.length - 1]?.end ?? 0,
    source: exact ? 'list' : 'fuzzy', type: null, confidence: exact ? null : Math.round((1 - match.distance / (match.letters + 1)) * 1000) / 1000,
  };
}
