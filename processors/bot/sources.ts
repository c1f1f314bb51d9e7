/** Where the parts of a bot stand in its files: for the tools of authors (lint, tests, coverage). The stages never see it. */
import type { Place } from './faults.js';

export interface SourceExample {
  /** null: an example of what belongs to no intent. */
  readonly intent: string | null;
  readonly text: string;
  readonly place: Place;
  readonly language: string;
}

/** Filled while a bot is compiled. */
export class Sources {
  readonly examples: SourceExample[] = [];
  /** Intent → where it is declared. */
  readonly intents = new Map<string, Place>();
  private readonly steps = new Map<string, (Place | undefined)[]>();

  /** Notes the step for those of its flow's instructions, from `from` to the newest, that no step inside it has claimed. */
  step(flow: string, from: number, to: number, place: Place): void {
    const places = this.steps.get(flow) ?? [];
    if (!this.steps.has(flow)) this.steps.set(flow, places);
    for (let at = from; at < to; at++) places[at] ??= place;
  }

  /** Of each instruction of a flow the step that it was made from; undefined for a flow that stands in no file. */
  stepsOf(flow: string): readonly (Place | undefined)[] | undefined { return this.steps.get(flow); }
}
