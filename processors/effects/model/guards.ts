/**
 * What may be said. A model is not trusted: whatever it was told, and whoever told it, what it writes is looked at like a
 * stranger's text before anybody sees it. A text that fails is never mended: the fallback is said.
 */
import { LinkifyIt } from 'linkify-it';
import { wordsOf } from '../../../platform/knowledge-index/words.js';
import { folded } from './clean-text.js';

export type Fault = 'link' | 'markup' | 'leak' | 'encoded' | 'nonsense';

/** What must not come back in an answer: texts of the prompt, and how many words in a row give one away. */
export interface Secrets {
  readonly marks: readonly string[];
  readonly shingles: ReadonlySet<string>;
}

const SHINGLE = 7;

export function secretsOf(texts: readonly string[], marks: readonly string[]): Secrets {
  const shingles = new Set<string>();
  for (const text of texts) {
    const words = wordsOf(text);
    for (let at = 0; at + SHINGLE <= words.length; at += 1) shingles.add(words.slice(at, at + SHINGLE).join(' '));
  }
  return { marks: marks.map((mark) => mark.toLowerCase()), shingles };
}

/** Tags, and what chat templates take for the borders of messages. */
const MARKUP = /<[/!?]?[a-z][a-z0-9:-]{0,30}(?:[\s/>]|$)|<[!?]|<\||\|>|<<sys>>|\[\/?inst\]|&lt;[a-z/!]/;
/** No word of any language; keys, dumps and what was encoded to get by these rules. */
const ENCODED = /[a-z0-9+/=_%\\-]{64,}/;
const SCHEME = /(?:^|[^a-z0-9])(?:javascript|data|vbscript|file|blob|about|intent):(?=\S)|[a-z][a-z0-9+.-]{1,20}:\/\/|https?:\/\S/;
/** A host with a path needs no known ending. */
const HOST_WITH_PATH = /[\p{L}\p{N}-]{1,63}(?:\.[\p{L}\p{N}-]{1,63}){0,7}\.\p{L}[\p{L}\p{N}-]{1,62}(?::\d{1,5})?\//u;
const ADDRESS = /(?:^|[^\p{L}\p{N}.])(?:\d{1,3}\.){3}\d{1,3}(?![\p{L}\p{N}]|\.\d)/u;

const ENDINGS = ['com', 'net', 'org', 'info', 'biz', 'name', 'pro', 'edu', 'gov', 'mil', 'int', 'app', 'dev', 'xyz', 'top', 'site', 'online', 'shop', 'store', 'club', 'live', 'link', 'click', 'page', 'web', 'cloud', 'tech', 'space', 'website', 'fun', 'icu', 'vip', 'win', 'bid', 'loan', 'work', 'zip', 'mov', 'bot', 'chat', 'help', 'support', 'email', 'world', 'today', 'news', 'blog', 'agency', 'finance', 'money', 'bank', 'example', 'test', 'invalid', 'onion', 'local', 'internal'];
/** In scripts without blanks a domain ends where their letters begin. */
const BARE = new RegExp(`[a-z0-9-]\\.(?:${ENDINGS.join('|')})(?![a-z0-9-])`);
const links = new LinkifyIt({ fuzzyLink: true, fuzzyEmail: true, fuzzyIP: true, urlAuth: true });
links.tlds(ENDINGS, true);

/** The first reason why a text must not be said; undefined when there is none. */
export function faultOf(text: string, hosts: readonly string[], secrets: Secrets): Fault | undefined {
  const seen = folded(text);
  if (secrets.marks.some((mark) => seen.includes(mark))) return 'leak';
  if (leaks(seen, secrets)) return 'leak';
  if (MARKUP.test(seen)) return 'markup';
  if (hasForeignLink(seen, hosts)) return 'link';
  if (ENCODED.test(without(seen, links.match(seen) ?? []))) return 'encoded';
  return isNonsense(text) ? 'nonsense' : undefined;
}

function leaks(seen: string, { shingles }: Secrets): boolean {
  const words = wordsOf(seen);
  for (let at = 0; at + SHINGLE <= words.length; at += 1) if (shingles.has(words.slice(at, at + SHINGLE).join(' '))) return true;
  return false;
}

const DOT_IN_WORDS = new RegExp(` (?:dot|\\.) ?(?=(?:${ENDINGS.join('|')})(?![a-z0-9-]))`, 'g');
const NAMED: Readonly<Record<string, string>> = { period: '.', colon: ':', sol: '/', commat: '@', amp: '&', lowbar: '_', hyphen: '-' };

/** What a page or a browser makes of references to characters and of percent signs; twice, for those that are hidden in others. */
function decoded(text: string): string {
  if (!text.includes('&') && !text.includes('%')) return text;
  const once = (one: string): string => one
    .replaceAll(/&#(?:x([0-9a-f]{1,6})|(\d{1,7}));?/g, (whole, hex: string | undefined, decimal: string | undefined) => { const code = hex === undefined ? Number(decimal) : parseInt(hex, 16); return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : whole; })
    .replaceAll(/&(period|colon|sol|commat|amp|lowbar|hyphen);/g, (_whole, name: string) => NAMED[name] ?? '')
    .replaceAll(/%(2e|2f|3a|40)/g, (_whole, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  return once(once(text)).toLowerCase();
}

function hasForeignLink(seen: string, hosts: readonly string[]): boolean {
  // Blanks around dots and "dot" in words are how links are hidden from rules like these.
  const opened = decoded(seen).replaceAll(DOT_IN_WORDS, '.').replaceAll(/\s?[[({]\s?(?:dot|punkt|point|punto|\.)\s?[\])}]\s?/g, '.').replaceAll(/[。．｡]/g, '.').replaceAll(/hxxp/g, 'http');
  for (const candidate of opened === seen ? [seen] : [seen, opened]) {
    const matches = links.match(candidate) ?? [];
    if (matches.some(({ url, schema }) => !isAllowed(url, schema, hosts))) return true;
    const rest = without(candidate, matches);
    if (SCHEME.test(rest) || HOST_WITH_PATH.test(rest) || BARE.test(rest) || ADDRESS.test(rest)) return true;
  }
  return false;
}

function isAllowed(url: string, schema: string, hosts: readonly string[]): boolean {
  if (schema === 'mailto:' || url.startsWith('mailto:')) return hosts.includes(url.slice(url.lastIndexOf('@') + 1));
  if (!URL.canParse(url)) return false;
  const { protocol, hostname, username, password } = new URL(url);
  if (!['https:', 'http:'].includes(protocol) || username !== '' || password !== '') return false;
  return hosts.some((host) => (host.startsWith('*.') ? hostname.endsWith(host.slice(1)) : hostname === host));
}

function without(seen: string, matches: readonly { readonly index: number; readonly lastIndex: number }[]): string {
  return matches.reduceRight((text, { index, lastIndex }) => `${text.slice(0, index)} ${text.slice(lastIndex)}`, seen);
}

/** Empty, broken, or going round in a circle. */
function isNonsense(text: string): boolean {
  if (!/[\p{L}\p{N}]/u.test(text.replaceAll(/\[[\d,; ]{1,40}\]/g, '')) || text.includes('\ufffd')) return true;
  if (/(.)\1{39}/u.test(text.replaceAll(/[-=_. ]/g, ''))) return true;
  const trimmed = text.trim();
  if (/^[[{]/.test(trimmed) && isJson(trimmed)) return true;
  const words = wordsOf(text);
  if (words.length < 40) return false;
  const counts = new Map<string, number>();
  for (let at = 0; at + 3 <= words.length; at += 1) { const run = words.slice(at, at + 3).join(' '); counts.set(run, (counts.get(run) ?? 0) + 1); }
  return Math.max(...counts.values()) > words.length / 8;
}

function isJson(text: string): boolean {
  try { return typeof JSON.parse(text) === 'object'; } catch { return false; }
}
