/** The folder `knowledge/` of a bot: Markdown and plain text that a language model may answer from. */
import type { Faults } from './faults.js';
import type { KnowledgeDefinition } from './types-model.js';

export const KNOWLEDGE_FOLDER = 'knowledge';
const FILE = /^knowledge\/.+\.(md|markdown|txt)$/i;
const TITLE = 200;

/** Whether the file, by its path in the bot's folder, is a text of its knowledge. */
export function isKnowledge(file: string): boolean {
  return FILE.test(file);
}

/**
 * The title is `title:` of the head between two lines of `---`, else the first heading of a Markdown file, else the file's
 * name. `url:` of the head says where people can read it. The head is no YAML: it holds these two lines at most.
 */
export function compileKnowledge(file: string, text: string, faults: Faults): KnowledgeDefinition | undefined {
  const place = { file, line: 1, column: 1 };
  const { head, body } = splitHead(text.replaceAll('\r\n', '\n'));
  if (body.trim() === '') { faults.warn(place, 'the file is empty'); return undefined; }
  for (const key of head.keys()) if (key !== 'title' && key !== 'url') faults.unknown(place, 'key of the head', key, ['title', 'url']);
  const url = head.get('url') ?? null;
  if (url !== null && !isLink(url)) faults.error(place, 'the url of the head must be a link that begins with https:// or http://');
  const heading = /\.txt$/i.test(file) ? undefined : headingOf(body);
  const name = file.slice(KNOWLEDGE_FOLDER.length + 1);
  const title = (head.get('title') ?? heading ?? name.replace(/\.[^.]+$/, '').replaceAll(/[-_/]+/g, ' ')).slice(0, TITLE);
  return { file: name, title, url, text: body };
}

/** The text of the first heading. */
function headingOf(body: string): string | undefined {
  const line = body.slice(0, 10_000).split('\n').find((one) => /^#{1,6} /.test(one));
  const words = line?.slice(line.indexOf(' ')).trim();
  return words === undefined || words === '' ? undefined : words;
}

function splitHead(text: string): { head: ReadonlyMap<string, string>; body: string } {
  const head = new Map<string, string>();
  if (!text.startsWith('---\n')) return { head, body: text };
  const end = text.indexOf('\n---\n', 3);
  if (end < 0 || end > 2000) return { head, body: text };
  for (const line of text.slice(4, end).split('\n')) {
    const cut = line.indexOf(':');
    if (cut > 0) head.set(line.slice(0, cut).trim(), line.slice(cut + 1).trim().replace(/^(["'])(.*)\1$/, '$2'));
  }
  return { head, body: text.slice(end + 5) };
}

function isLink(text: string): boolean {
  return text.length <= 1000 && /^https?:\/\//.test(text) && URL.canParse(text);
}
