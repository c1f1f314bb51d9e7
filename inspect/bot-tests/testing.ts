/** For tests only: a bot's folder of files given as text. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { scratchFolder } from '../../platform/testing.js';

interface Cleanup { after(run: () => void): void }

/** A small bot with a form, an action, a reminder and quick replies. */
export const LAMPS: Readonly<Record<string, string>> = {
  'bot.yaml': 'format: 1\nid: lamps\nname: Lamps\nfallback: {say: lost}\n',
  'all.yaml': `intents:
  buy: {examples: [I want to buy a lamp, sell me a lamp, a new lamp please, order a lamp, can I get a lamp, buy lamps]}
  stock: {examples: [how many are left, what is in stock, is it still available, do you have any left, stock level]}
  hours: {reply: hours, examples: [when are you open, opening hours, what time do you close, are you open today, business hours]}
  later: {examples: [remind me later, ping me about it, send me a reminder, wake me up for it, tell me again tomorrow]}
entities:
  colour: {values: {red: [crimson], blue: [azure]}}
slots:
  colour: {entity: colour, ask: ask_colour}
  left: {}
actions:
  count:
    request: {url: 'https://stock.example/v1/{colour}'}
    input: {colour: text}
    output: {left: {path: left, type: integer}}
flows:
  buy:
    on: buy
    do:
      - ask: colour
      - say: bought
      - clear: colour
  stock:
    on: stock
    do:
      - act: count
        with: {colour: red}
        into: {left: left}
        onError: [{say: unknown}, end]
      - say: stock
  later:
    on: later
    do:
      - remind: {id: lamp, in: 2h, flow: due}
      - say: noted
  due:
    do:
      - say: due
responses:
  lost: Sorry?
  hours: [We are open., Come in!]
  ask_colour: {text: Which colour?, quickReplies: [{title: Red one, payload: red}, Blue]}
  bought: ['One {colour} lamp.']
  stock: '{left} left.'
  unknown: I cannot see the stock.
  noted: Noted.
  due: {variants: [Time for a lamp!, Your lamp!]}
`,
};

/** Its folder, with more files laid over it. */
export function lamps(t: Cleanup, more: Readonly<Record<string, string>> = {}): string {
  const folder = join(scratchFolder(t), 'lamps');
  for (const [file, text] of Object.entries({ ...LAMPS, ...more })) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
  }
  return folder;
}
