/** Which form of a response is said: the one that names most of language and channel. */
import type { ResponseContent, ResponseDefinition } from './types-response.js';

/** A form for another language is never taken; one for the language (`de-AT`) goes before one for what it is a kind of (`de`), and that before one for the channel alone. */
export function formOf(response: ResponseDefinition, language: string, channel: string): ResponseContent {
  if (response.forms.length === 0) return response;
  let best: ResponseContent = response;
  let weight = 0;
  for (const form of response.forms) {
    if (form.channel !== null && form.channel !== channel) continue;
    const near = form.locale === null ? 0 : nearness(form.locale, language);
    if (near < 0) continue;
    const own = near * 2 + (form.channel === null ? 0 : 1);
    if (own > weight) { best = form; weight = own; }
  }
  return best;
}

/** 0 upwards, -1 for another language: the longer the part that both have, the nearer. */
function nearness(locale: string, language: string): number {
  return locale === language || (language.startsWith(locale) && language[locale.length] === '-') ? locale.length : -1;
}
