/** Where a conversation stands, in words of the bot. The form of the data is the dialogue's (processors/dialogue/memory-form.ts). */
import type { DialogueState } from '../../schemas/types.js';

export interface StateView {
  readonly slots: ReadonlyMap<string, string>;
  /** Begun and not ended, the running one last. */
  readonly flows: readonly string[];
  /** A slot, or `confirm` or `resume`. */
  readonly waitsFor: string | null;
  readonly handedOff: boolean;
  /** Hash; null before the first message. */
  readonly version: string | null;
}

export const NO_STATE: StateView = { slots: new Map(), flows: [], waitsFor: null, handedOff: false, version: null };

export function viewOf(state: DialogueState): StateView {
  const data = typeof state.data === 'string' ? JSON.parse(state.data) as { s?: Record<string, string>; f?: [string, ...unknown[]][]; w?: string; q?: string } : {};
  return {
    slots: new Map(Object.entries(data.s ?? {})), flows: (data.f ?? []).map(([name]) => name), waitsFor: data.w ?? data.q ?? null,
    handedOff: state.handedOff, version: state.botVersion,
  };
}
