/** Which steps of a bot's flows tests have run. A step stands in a file and is made of one or more instructions; one that ran is enough. */
import type { Bot, Place, Sources } from '../../processors/bot/index.js';

export interface CoveredStep {
  readonly flow: string;
  readonly place: Place;
  /** As its label says it: `ask:city`. */
  readonly label: string;
  readonly runs: number;
}

export class Coverage {
  private readonly runs: Map<number, Map<number, number>> = new Map<number, Map<number, number>>();

  constructor(private readonly bot: Bot, private readonly sources: Sources) {}

  /** Other versions of the bot do not count. */
  ran(bot: Bot, flow: number, pc: number): void {
    if (bot.version !== this.bot.version) return;
    const steps = this.runs.get(flow) ?? new Map<number, number>();
    this.runs.set(flow, steps);
    steps.set(pc, (steps.get(pc) ?? 0) + 1);
  }

  /** In the order of the flows. */
  steps(): CoveredStep[] {
    return this.bot.flows.flatMap((flow, index) => {
      const places = this.sources.stepsOf(flow.name) ?? [];
      const found = new Map<string, CoveredStep>();
      flow.code.forEach((_, pc) => {
        const place = places[pc] ?? this.placeOfReply(flow.name);
        if (place === undefined) return;
        const id = `${place.file}:${place.line}:${place.column}`;
        const before = found.get(id);
        found.set(id, { flow: flow.name, place, label: before?.label ?? flow.labels[pc] ?? '', runs: (before?.runs ?? 0) + (this.runs.get(index)?.get(pc) ?? 0) });
      });
      return [...found.values()];
    });
  }

  /** A flow that stands for the `reply` of an intent. */
  private placeOfReply(flow: string): Place | undefined {
    return flow.startsWith('reply:') ? this.sources.intents.get(flow.slice(6)) : undefined;
  }
}
