/** Stages as the runner sees them: the types that tie a stage to its topics are checked where the stage is written. */
import type { StageContext, StageInput } from '../stage.js';

export type AnyContext = StageContext;

export interface AnyOutput {
  readonly topic: string;
  readonly value: unknown;
  readonly key?: string;
}

export interface AnyResult {
  readonly outputs: readonly AnyOutput[];
  readonly state?: unknown;
}

export interface AnyConversationStage {
  readonly scope: 'conversation';
  position(input: StageInput, context: AnyContext): string;
  process(input: StageInput, state: unknown, context: AnyContext): AnyResult | Promise<AnyResult>;
}

export interface AnyPartitionStage {
  readonly scope: 'partition';
  readonly restoreMillis: number;
  restore(records: readonly { readonly key: string; readonly value: unknown }[], partition: number, end: number): unknown;
  process(inputs: readonly StageInput[], memory: unknown, context: AnyContext): readonly AnyOutput[];
  readonly due?: {
    next(memory: unknown): number | undefined;
    take(memory: unknown, limit: number, context: AnyContext): readonly AnyOutput[];
  };
}

export type AnyStage = AnyConversationStage | AnyPartitionStage;
