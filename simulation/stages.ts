/** The stages of the topology, with failures where a message asks for them: the attribute `trouble` names stage and kind. */
import { ConfabError } from '../platform/errors.js';
import type { Clock } from '../platform/clock.js';
import type { StageName } from '../topology/topology.js';
import type { AnyConversationStage, AnyResult } from '../processors/runner/any-stage.js';
import type { StageInput } from '../processors/stage.js';

/**
 * - `poison`: fails for good. - `flaky`: fails twice in each process, then works. - `slow`: answers later.
 * - `hang`: never answers. - `late-failure`: fails for good, later.
 */
export const TROUBLES = ['poison', 'flaky', 'slow', 'hang', 'late-failure'] as const;
export type Trouble = (typeof TROUBLES)[number];

/** Certain to end in a dead letter. */
export const FATAL: ReadonlySet<Trouble> = new Set<Trouble>(['poison', 'hang', 'late-failure']);

interface Carrier { readonly attributes?: Readonly<Record<string, unknown>>; readonly message?: Carrier; readonly messageId?: string }

export function troubleOf(value: unknown, stage: string): Trouble | undefined {
  const carrier = value as Carrier;
  const text = (carrier.message ?? carrier).attributes?.trouble;
  if (typeof text !== 'string' || !text.startsWith(`${stage}:`)) return undefined;
  return TROUBLES.find((each) => text === `${stage}:${each}`);
}

/** A stage of one process: what it remembers of attempts is lost with the process. */
export function troubled(stageName: StageName, stage: AnyConversationStage, clock: Clock, wait: () => number): AnyConversationStage {
  const attempts = new Map<string, number>();
  const later = (run: () => AnyResult): Promise<AnyResult> => clock.sleep(wait()).then(run);
  return {
    scope: 'conversation',
    position: (input, context) => stage.position(input, context),
    process(input: StageInput, state, context) {
      const work = (): AnyResult => stage.process(input, state, context) as AnyResult;
      switch (troubleOf(input.value, stageName)) {
        case 'poison': throw new ConfabError('CONFAB_STAGE_FAILED', { detail: 'simulated' });
        case 'flaky': {
          const name = `${input.partition}/${input.offset}`;
          const count = (attempts.get(name) ?? 0) + 1;
          attempts.set(name, count);
          if (count <= 2) throw new ConfabError('CONFAB_REGISTRY_UNAVAILABLE', { detail: 'simulated' });
          return work();
        }
        case 'slow': return later(work);
        case 'hang': return new Promise(() => undefined);
        case 'late-failure': return later(() => { throw new ConfabError('CONFAB_STAGE_FAILED', { detail: 'simulated' }); });
        case undefined: return work();
      }
    },
  };
}
