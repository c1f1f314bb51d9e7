/**
 * The contract of the event log port, run over every adapter. Each test has topics and groups of its own, so that it runs
 * on a shared broker as well; what is asynchronous is waited for by conditions. Offsets are compared for order, not for
 * being dense: a log may have gaps.
 */
import { describe } from 'node:test';
import { adminContract } from './contract/admin.contract.js';
import { appendContract } from './contract/append.contract.js';
import type { LogFactory } from './contract/bench.contract.js';
import { commitContract } from './contract/commit.contract.js';
import { groupContract } from './contract/group.contract.js';
import { onceContract } from './contract/once.contract.js';
import { readContract } from './contract/read.contract.js';

export type { LogFactory } from './contract/bench.contract.js';

export interface ContractOptions {
  /** Why the suite cannot run here (`skipWithout('kafka')`). */
  readonly skip?: string | false;
  /** False for a log without the power `once`: its rules are not declared then. */
  readonly once?: boolean;
}

/** @param factory is called once for each test */
export function eventLogContract(name: string, factory: LogFactory, options: ContractOptions = {}): void {
  describe(`event log contract, ${name}`, { skip: options.skip ?? false }, () => {
    for (const part of [appendContract, readContract, adminContract, groupContract, commitContract]) part(factory);
    if (options.once !== false) onceContract(factory);
  });
}
