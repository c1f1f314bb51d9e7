/** The texts of a bot's knowledge as passages: parts under one heading, as long as one can quote, never cut in a word. */
import type { KnowledgeDefinition } from '../../bot/index.js';

export interface Passage {
  /** File and headings. */
  readonly title: string;
  readonly text: string;
  readonly source: KnowledgeDefinition;
}

/** Characters of a passage; a paragraph that is longer is cut at a sentence or a blank. */
const LONGEST = 1200;

export function passagesOf(knowledge: readonly KnowledgeDefinition[]): Passage[] {
  return knowledge.flatMap((source) => sectionsOf(source).flatMap(({ title, text }) => packed(text).map((part) => ({ title, text: part, source }))));
}

/** Headings begin a new section; the title names those above it. */
function sectionsOf(source: KnowledgeDefinition): { title: string; text: string }[] {
  if (/\.txt$/i.test(source.file)) return [{ title: source.title, text: source.text }];
  const sections: { title: string; lines: string[] }[] = [{ title: source.title, lines: [] }];
  const above: string[] = [];
  let code = false;
  for (const line of source.text.split('\n')) {
    if (line.startsWith('```')) code = !code;
    const depth = code ? 0 : /^(#{1,6}) /.exec(line)?.[1]?.length ?? 0;
    if (depth === 0) { sections.at(-1)?.lines.push(line); continue; }
    above.length = depth - 1;
    above[depth - 1] = line.slice(depth + 1).trim();
    const path = [source.title, ...above.filter((heading) => typeof heading === 'string' && heading !== '' && heading !== source.title)];
    sections.push({ title: path.join(' › ').slice(0, 300), lines: [] });
  }
  return sections.map(({ title, lines }) => ({ title, text: lines.join('\n').trim() })).filter(({ text }) => text !== '');
}

/** Paragraphs put together up to the length of a passage. */
function packed(text: string): string[] {
  const parts: string[] = [];
  let open = '';
  for (const paragraph of text.split(/\n[ \t]*\n/).flatMap(cut)) {
    if (open !== '' && open.length + paragraph.length + 2 > LONGEST) { parts.push(open); open = ''; }
    open = open === '' ? paragraph : `${open}\n\n${paragraph}`;
  }
  if (open !== '') parts.push(open);
  return parts;
}

function cut(paragraph: string): string[] {
  const parts: string[] = [];
  let rest = paragraph.trim();
  while (rest.length > LONGEST) {
    const head = rest.slice(0, LONGEST);
    const end = Math.max(head.lastIndexOf('. '), head.lastIndexOf('。'), head.lastIndexOf('\n'));
    const at = end > LONGEST / 2 ? end + 1 : head.lastIndexOf(' ') > LONGEST / 2 ? head.lastIndexOf(' ') : whole(rest, LONGEST);
    parts.push(rest.slice(0, at).trim());
    rest = rest.slice(at).trim();
  }
  if (rest !== '') parts.push(rest);
  return parts;
}

/** Not between the halves of a character. */
function whole(text: string, at: number): number {
  const code = text.charCodeAt(at - 1);
  return code >= 0xd800 && code <= 0xdbff ? at - 1 : at;
}
