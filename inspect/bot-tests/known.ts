/** Names that a test may use: those of the bot and of its versions for tests. Another one is a fault, with the nearest that there is. */
import { type Bot, type Faults } from '../../processors/bot/index.js';
import { asText } from '../../processors/bot/fields.js';
import type { Tree } from '../../processors/bot/yaml-tree.js';
import { CURRENT } from './types.js';

export type Kind = 'intent' | 'slot' | 'flow' | 'response' | 'entity' | 'action' | 'version';

export class Known {
  private readonly names: Readonly<Record<Kind, ReadonlySet<string>>>;

  /** By the name of the version; `current` is the bot as it is. */
  constructor(readonly versions: ReadonlyMap<string, Bot>) {
    const bots = [...versions.values()];
    const all = (of: (bot: Bot) => readonly { readonly name: string }[]): Set<string> => new Set(bots.flatMap((bot) => of(bot).map(({ name }) => name)));
    this.names = {
      intent: all((bot) => bot.intents), slot: all((bot) => bot.slots), flow: all((bot) => bot.flows), response: all((bot) => bot.responses),
      entity: all((bot) => bot.entities), action: all((bot) => bot.actions), version: new Set([CURRENT, ...versions.keys()]),
    };
  }

  has(kind: Kind, name: string): boolean { return this.names[kind].has(name); }

  /** Names of what an action gives, in any version. */
  outputsOf(action: string): Set<string> {
    return new Set([...this.versions.values()].flatMap((bot) => bot.actions.filter(({ name }) => name === action).flatMap(({ output }) => output.map(({ name }) => name))));
  }

  /** The name that stands there; undefined after a fault. */
  read(kind: Kind, tree: Tree, faults: Faults): string | undefined {
    const name = asText(tree, `the name of a ${kind}`, faults, 200);
    return name === undefined || !this.check(kind, name, tree.place, faults) ? undefined : name;
  }

  check(kind: Kind, name: string, place: Tree['place'], faults: Faults): boolean {
    if (this.has(kind, name)) return true;
    faults.unknown(place, kind, name, this.names[kind]);
    return false;
  }
}
