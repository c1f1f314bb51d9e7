/** The adapter of linkify-it: addresses of pages and of mail. */
import { createRequire } from 'node:module';
import type { LinkifyIt } from 'linkify-it';
import { fold } from '../../text.js';
import type { SystemFind } from './kinds.js';

const load = createRequire(import.meta.url);
let linkify: LinkifyIt | undefined;

function library(): LinkifyIt {
  if (!linkify) {
    const { LinkifyIt: Linkify } = load('linkify-it') as { LinkifyIt: new (options: Record<string, boolean>) => LinkifyIt };
    linkify = new Linkify({ fuzzyLink: true, fuzzyEmail: true, fuzzyIP: false });
  }
  return linkify;
}

/** Loads the library now, so that no message waits for it. */
export function prepareLinks(): void { library(); }

/** E-mail addresses in small letters, URLs whole, with a scheme. Linear: tried with hostile texts (docs/adr/0158). */
export function findLinks(kind: 'email' | 'url', text: string, work: (characters: number) => void): SystemFind[] {
  if (kind === 'email' ? !text.includes('@') : !text.includes('.') && !text.includes('://')) return [];
  work(text.length);
  const found: SystemFind[] = [];
  for (const match of library().match(text) ?? []) {
    const mail = match.schema === 'mailto:';
    if (mail !== (kind === 'email') || (kind === 'url' && match.schema !== '' && !/^(https?:|ftp:|\/\/)$/.test(match.schema))) continue;
    const value = mail ? fold(match.url.replace(/^mailto:/i, '')) : match.schema === '//' ? `https:${match.url}` : match.url.replace(/^http:/, match.schema === '' ? 'https:' : 'http:');
    found.push({ start: match.index, end: match.lastIndex, value });
  }
  return found;
}
