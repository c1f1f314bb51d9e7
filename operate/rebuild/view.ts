/** What a view is to operators: something that the log can make again, by itself or by `confab rebuild`. */
import type { Clock } from '../../platform/clock.js';
import type { EventLog } from '../../platform/event-log/event-log.js';
import type { StateStore } from '../../platform/state/state-store.js';
import type { Codec } from '../../schemas/codec.js';
import type { TopicName } from '../../topology/topology.js';

/** What a rebuild stands on. */
export interface RebuildParts {
  readonly log: EventLog;
  readonly codec: Codec;
  readonly clock: Clock;
  /** Before every topic name. */
  readonly prefix: string;
  /** Undefined where the process keeps none. */
  readonly state: StateStore | undefined;
}

/** A share of a view that is made again by itself. */
export interface Part { readonly topic: TopicName; readonly partition: number }

export interface RunOptions {
  readonly signal?: AbortSignal;
  /** Records read so far. */
  readonly onProgress?: (records: number) => void;
}

export interface PartRebuilt extends Part {
  /** Records read from the log. */
  readonly records: number;
  /** Values written; newer ones that stood there already stayed. */
  readonly states: number;
  readonly milliseconds: number;
}

export interface PartChecked extends Part {
  readonly records: number;
  /** Conversations that have a state in the log. */
  readonly conversations: number;
  readonly same: number;
  /** The view has something newer: it was written while this ran. */
  readonly newer: number;
  readonly missing: number;
  /** The view has an older state. */
  readonly behind: number;
  /** The same input, other bytes. */
  readonly different: number;
  /** A few of those that are missing, behind or different: `<tenant>/<conversationId>`. */
  readonly examples: readonly string[];
  readonly watermark: 'whole' | 'missing' | 'of another log' | 'ahead of the log';
  readonly milliseconds: number;
}

/** Makes the parts of one view. All of them throw the codes of the log and of the view's store. */
export interface Rebuild {
  parts(): Promise<readonly Part[]>;
  /** Safe beside running processes and at any time given up. */
  run(part: Part, options?: RunOptions): Promise<PartRebuilt>;
  /** Compares with the log and writes nothing. */
  check(part: Part, options?: RunOptions): Promise<PartChecked>;
}

export interface View {
  readonly name: string;
  /** What it holds, and where. */
  readonly holds: string;
  /** What it is made from. */
  readonly from: string;
  /** How it comes back without anybody's help. */
  readonly heals: string;
  /** Missing: it only heals by itself. @throws CONFAB_VIEW_NOT_KEPT there is none to rebuild here */
  readonly rebuild?: (parts: RebuildParts) => Rebuild;
}

export const isWhole = (checked: PartChecked): boolean => checked.missing + checked.behind + checked.different === 0 && checked.watermark === 'whole';
