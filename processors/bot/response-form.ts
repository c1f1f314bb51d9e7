/** Which form of a response is said: the one that names most of language and channel. */
import type { ResponseContent, ResponseDefinition } from './types-response.js';

/** A form for another language is never taken; one for the language goes before one for the channel alone. */
export function formOf(response: ResponseDefinition, language: string, channel: string): ResponseContent {
  if (response.forms.length === 0) return response;
  let best: ResponseContent = response;
  let weight = 0;
  for (const form of response.forms) {
    if ((form.locale !== null && form.locale !== language) || (form.channel !== null && form.channel !== channel)) continue;
    const own = (form.locale === null ? 0 : 2) + (form.channel === null ? 0 : 1);
    if (own > weight) { best = form; weight = own; }
  }
  return best;
}
