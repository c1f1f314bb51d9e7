/** What the pages of the project refer to: links with anchors, pictures, and names of settings, codes and metrics. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

/** Every *.md of the project, as paths from the root. */
export function pages(root: string): string[] {
  const found = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '*.md'], { cwd: root, encoding: 'utf8' });
  return found.split('\0').filter((path) => path !== '' && existsSync(join(root, path)));
}

/** The text without fenced blocks and code spans, in which nothing is a link. */
const prose = (text: string): string => text.replace(/^(\s*)(`{3,})[^\n]*\n[\s\S]*?^\s*\2\s*$/gm, '').replace(/`[^`\n]*`/g, (code) => '`'.repeat(code.length));

/** Anchors as GitHub makes them: of headings, numbered when they repeat, and those that are set by hand. */
export function anchorsOf(text: string): Set<string> {
  const anchors = new Set([...text.matchAll(/<a id="([^"]+)">/g)].map(([, id = '']) => id));
  const headings = text.replace(/^(\s*)(`{3,})[^\n]*\n[\s\S]*?^\s*\2\s*$/gm, '').matchAll(/^#{1,6} (.+?)\s*#*$/gm);
  const seen = new Map<string, number>();
  for (const [, heading = ''] of headings) {
    const slug = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase().replace(/[^\p{L}\p{N}\p{M} _-]/gu, '').replaceAll(' ', '-');
    const times = seen.get(slug) ?? 0;
    seen.set(slug, times + 1);
    anchors.add(times === 0 ? slug : `${slug}-${times}`);
  }
  return anchors;
}

/** Links of a page that lead nowhere, as `link: reason`. Addresses of other sites are not looked at. */
export function brokenLinks(root: string, page: string): string[] {
  const text = readFileSync(join(root, page), 'utf8');
  const faults: string[] = [];
  for (const [, link = ''] of prose(text).matchAll(/\]\(<?([^)>\s]+)>?(?: "[^"]*")?\)/g)) {
    if (/^[a-z][a-z0-9+.-]*:/i.test(link)) continue;
    const [path = '', anchor] = link.split('#');
    const target = path === '' ? page : normalize(join(dirname(page), decodeURIComponent(path)));
    if (target.startsWith('..')) { faults.push(`${link}: outside of the project`); continue; }
    if (!existsSync(join(root, target))) { faults.push(`${link}: there is no ${target}`); continue; }
    if (anchor === undefined) continue;
    if (!target.endsWith('.md') || statSync(join(root, target)).isDirectory()) faults.push(`${link}: an anchor of what is no page`);
    else if (!anchorsOf(readFileSync(join(root, target), 'utf8')).has(anchor)) faults.push(`${link}: ${target} has no such heading`);
  }
  return faults;
}

/** What is wrong with the pictures of a page: enough to catch a picture that would not be drawn at all. */
export function pictureFaults(text: string): string[] {
  return [...text.matchAll(/^\s*```mermaid\n([\s\S]*?)^\s*```/gm)].flatMap(([, picture = '']) => {
    const [head = '', ...lines] = picture.trimEnd().split('\n');
    if (!/^\s*(flowchart|graph) (LR|RL|TB|TD|BT)$|^\s*(sequenceDiagram|stateDiagram-v2)$/.test(head)) return [`unknown kind of picture: ${head}`];
    if (!/^\s*(flowchart|graph)/.test(head)) return [];
    const opened = lines.filter((line) => /^\s*subgraph /.test(line)).length;
    const closed = lines.filter((line) => /^\s*end$/.test(line)).length;
    return [...(opened === closed ? [] : ['subgraph without end']), ...lines.filter((line) => !isFlowLine(line)).map((line) => `not read: ${line.trim()}`)];
  });
}

const NODE = String.raw`\w+(?:\(\[[^\]]*\]\)|\[\([^)]*\)\]|\[[^\]]*\]|\([^)]*\)|\{[^}]*\})?`;
const ARROW = String.raw`\s+(?:(?:<?--+>?|<?-\.-+>?|==+>)(?:\|[^|]*\|)?|--\s+(?:"[^"]*"|[^-]+?)\s+-->|-\.\s+[^.]+?\s+\.->?|-\.\s+[^-]+?\s+\.?-)\s+`;
const FLOW = new RegExp(`^\\s*(?:${NODE}(?:${ARROW}${NODE})*|subgraph .+|end|direction (?:LR|TB)|)\\s*$`);
const isFlowLine = (line: string): boolean => FLOW.test(line);
