/** Texts of a request: `{order}` stands for an input, `{secret.NAME}` for a secret of the operator, `{{` and `}}` for braces. */
import type { ActionInput, ActionTemplate } from './action.js';
import type { Faults, Place } from './faults.js';

export interface TemplateScope {
  readonly inputs: readonly ActionInput[];
  /** Only in headers: URLs and bodies are logged by servers and proxies. */
  readonly secrets: boolean;
  readonly faults: Faults;
}

const SECRET = /^secret\.([A-Z][A-Z0-9_]{0,63})$/;
const PIECE = /\{\{|\}\}|\{([^{}]*)\}|[{}]/g;

export function compileActionTemplate(text: string, place: Place, { inputs, secrets, faults }: TemplateScope): ActionTemplate {
  const parts: (ActionTemplate[number])[] = [];
  let literal = '';
  let at = 0;
  const flush = (): void => { if (literal !== '') parts.push(literal); literal = ''; };
  for (const match of text.matchAll(PIECE)) {
    const [whole, name] = match;
    literal += text.slice(at, match.index);
    at = match.index + whole.length;
    if (whole === '{{' || whole === '}}') { literal += whole[0] ?? ''; continue; }
    if (name === undefined) { faults.error(place, `a "${whole}" without its other brace; write "${whole}${whole}" for a brace`); continue; }
    flush();
    const secret = SECRET.exec(name.trim())?.[1];
    if (secret !== undefined) {
      if (secrets) parts.push({ secret }); else faults.error(place, 'a secret may stand in a header only');
    } else if (inputs.some((input) => input.name === name.trim())) parts.push({ input: name.trim() });
    else faults.unknown(place, 'input of the action', name.trim(), inputs.map((input) => input.name));
  }
  literal += text.slice(at);
  flush();
  return parts;
}
