/** What the bot says: responses in the form for language and channel, with the slots in their places. */
import type { QuickReply, ReplyPart } from '../../schemas/types.js';
import { valueOf, type ResponseContent, type ResponseDefinition, type Template } from '../bot/index.js';
import { formOf } from '../bot/response-form.js';
import { rephrased } from './effects.js';
import type { Turn } from './turn.js';

const MOST_BUBBLES = 20;
const NO_REPLIES: ReplyPart['quickReplies'] = [];
const NO_BUTTONS: ReplyPart['buttons'] = [];
const NO_CITATIONS: ReplyPart['citations'] = [];

/** Adds a response's bubbles; -1 says nothing. `offered` stand with its quick replies. */
export function say(turn: Turn, response: number, offered?: readonly QuickReply[]): void {
  const found = turn.program.bot.responses[response];
  if (!found || saidBefore(turn, found)) return;
  const form = formOf(found, turn.language, turn.channel);
  const bubbles = form.variants[form.variants.length > 1 ? turn.choice % form.variants.length : 0] ?? [];
  let texts = bubbles.map((bubble) => render(turn, bubble));
  if (found.rephrase) {
    const other = rephrased(turn, found, texts.join('\n'));
    if (turn.wants.length > 0) return;
    if (other !== null) texts = [other];
  }
  addBubbles(turn, texts, form, offered);
}

function addBubbles(turn: Turn, texts: readonly string[], form: ResponseContent, offered: readonly QuickReply[] | undefined): void {
  for (let at = 0; at < texts.length && turn.parts.length < MOST_BUBBLES; at++) {
    const last = at === texts.length - 1;
    const own = last && form.quickReplies.length > 0 ? form.quickReplies.map((one) => ({ title: render(turn, one.title), payload: one.payload })) : NO_REPLIES;
    turn.parts.push({
      text: texts[at] ?? '',
      quickReplies: last && offered ? [...offered, ...own] : own,
      buttons: last && form.buttons.length > 0 ? form.buttons.map((one) => ({ title: render(turn, one.title), url: one.url && render(turn, one.url, encodeURIComponent), payload: one.payload })) : NO_BUTTONS,
      image: at === 0 && form.image ? { url: render(turn, form.image.url, encodeURIComponent), alt: render(turn, form.image.alt) } : null,
      citations: NO_CITATIONS,
    });
  }
}

/** A bubble that is no response: what an agent wrote, what the language model answered. */
export function sayText(turn: Turn, text: ReplyPart['text'], citations: ReplyPart['citations'] = NO_CITATIONS): void {
  if (turn.parts.length < MOST_BUBBLES) turn.parts.push({ text, quickReplies: NO_REPLIES, buttons: NO_BUTTONS, image: null, citations });
}

/** A flow that runs again after a correction is silent up to where it was, but for what has changed by it. */
function saidBefore(turn: Turn, response: ResponseDefinition): boolean {
  const { replay } = turn;
  if (!replay) return false;
  const frame = turn.memory.frames.at(-1);
  if (frame !== replay.frame || frame.pc > replay.until) { turn.replay = null; return false; }
  return !response.variants.some((variant) => variant.some((bubble) => bubble.some((part) => typeof part !== 'string' && 'slot' in part && part.slot === replay.slot)));
}

/** The text with its places filled. */
export function render(turn: Turn, template: Template, encode?: (value: string) => string): string {
  if (template.length === 1 && typeof template[0] === 'string') return template[0];
  let text = '';
  for (const part of template) {
    if (typeof part === 'string') { text += part; continue; }
    const value = ('slot' in part ? turn.memory.slots[part.slot] : String(valueOf(part.from, turn) ?? '')) || part.otherwise;
    text += encode ? encode(value) : value;
  }
  return text;
}
