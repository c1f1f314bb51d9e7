/** The stages that tests of one bot share: preparing a bot is what costs. Which versions are live is each test's own. */
import type { Bot, Bots } from '../../processors/bot/index.js';
import { createDialogueStage } from '../../processors/dialogue/index.js';
import { stageFactories } from '../../processors/index.js';
import { createIntentStage, type ModelCache } from '../../processors/intent/index.js';
import type { Stage } from '../../processors/stage.js';
import type { StageName } from '../../topology/topology.js';
import type { Coverage } from './coverage.js';
import { CURRENT } from './types.js';

export class TestStages {
  readonly botId: string;
  readonly bots: Bots;
  private live: readonly Bot[] = [];
  private readonly made: Partial<Record<StageName, unknown>>;

  constructor(private readonly versions: ReadonlyMap<string, Bot>, readonly models: ModelCache, coverage: Coverage) {
    this.botId = versions.get(CURRENT)?.id ?? '';
    this.bots = { versions: (id) => (id === this.botId ? this.live : []), all: () => this.live, choose: (id) => (id === this.botId ? this.live[0] : undefined) };
    this.made = {
      intent: createIntentStage({ bots: this.bots, cache: models }),
      dialogue: createDialogueStage({ bots: this.bots, trace: (bot, flow, pc) => { coverage.ran(bot, flow, pc); } }),
    };
  }

  /** Makes a version the current one; with `keep` those before stay live beside it. */
  deploy(name: string, keep: boolean): void {
    const bot = this.versions.get(name);
    if (bot) this.live = [bot, ...(keep ? this.live.filter((one) => one !== bot) : [])];
  }

  /** A stage that keeps memory of its own is made anew each time. */
  stage<S extends StageName>(name: S): Stage<S> {
    return (this.made[name] ?? stageFactories[name]({ bots: this.bots, models: this.models })) as Stage<S>;
  }

  nameOf(version: string): string {
    return [...this.versions].find(([, bot]) => bot.version === version)?.[0] ?? version;
  }
}
