/** Makes docs/errors.md from the error catalogue. */
import { catalogue, type ErrorCode, type ErrorEntry } from '../../platform/errors.js';

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '&lt;');

function row([code, entry]: [string, ErrorEntry]): string {
  return `| <a id="${code}"></a>\`${code}\` | ${entry.status} | ${entry.retryable ? 'yes' : 'no'} | ${cell(entry.title)} | ${cell(entry.help)} |`;
}

/** The whole text of docs/errors.md. */
export function errorsDoc(): string {
  const entries = Object.entries(catalogue) as [ErrorCode, ErrorEntry][];
  return `<!-- Made by \`npm run generate\` from platform/errors.ts: do not edit. -->
# Errors

Every error has a code that never changes its meaning. Over HTTP it comes as \`application/problem+json\` (RFC 9457) with the
status below; frames, logs, dead letters and commands use the same codes. *Repeat* says whether the same request can
succeed later; answers with 429 and 503 carry \`Retry-After\`.

| code | status | repeat | what it says | what to do |
| --- | --- | --- | --- | --- |
${entries.map(row).join('\n')}
`;
}
