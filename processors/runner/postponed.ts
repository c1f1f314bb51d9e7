/**
 * Fairness within a partition: who has so much in the window that its further records are put off.
 *
 * A partition is one queue, and the window is what a process looks at of it. When one tenant (or, within a tenant, one
 * conversation) fills the window, the records of all others stand behind its backlog. So its further records are put off:
 * of them only the offsets are kept, reading goes on to the others, and they are read again as its earlier ones leave
 * (catch-up.ts). Such a backlog is a *flow*, named by the tenant or by the whole key of the conversation.
 *
 * Order within a conversation: a record that is met while its flow exists is put off too, and a flow is read again in offset
 * order, so nothing overtakes within one key.
 */
import { DEFAULT_TENANT } from '../../platform/conversation-key.js';
import { TenantNames } from './tenants.js';

export interface Flow {
  readonly name: string;
  /** No record of the flow that is put off lies before this offset. */
  from: number;
  /** No record of the flow that is put off lies at or after this offset. */
  until: number;
}

/** Of the window, in records: a conversation that has more is put off by itself. */
const CONVERSATION_SHARE = 1 / 4;
/** Records of one put-off conversation in memory: it is worked on one by one. */
export const CONVERSATION_QUOTA = 64;
/** Records in memory of all tenants that are put off. */
const TENANT_QUOTA = 512;
const LEAST_QUOTA = 16;

export class Postponed {
  private readonly flows = new Map<string, Flow>();
  private readonly tenants = new TenantNames();

  get size(): number { return this.flows.size; }

  [Symbol.iterator](): IterableIterator<Flow> { return this.flows.values(); }

  /** The flow that records of this key belong to, if it has one. */
  of(key: string): Flow | undefined { return this.flows.get(key) ?? this.flows.get(this.tenants.of(key)); }

  /** A flow whose first record that is put off will be at or after `offset`. */
  begin(name: string, offset: number): Flow {
    const flow = { name, from: offset, until: offset };
    this.flows.set(name, flow);
    return flow;
  }

  end(flow: Flow): void { this.flows.delete(flow.name); }

  /** Records that one flow may have in memory. */
  quota(flow: Flow): number {
    return flow.name.includes('/') ? CONVERSATION_QUOTA : Math.max(LEAST_QUOTA, Math.floor(TENANT_QUOTA / this.flows.size));
  }
}

export interface Scales<T> {
  readonly weigh: (item: T) => number;
  /** Who has less is not heavy. */
  readonly least: number;
}

/** Who has more than a fair part of what is in memory: tenants where there are several, and conversations. */
export function heavyFlows<T extends { readonly key: string }>(items: readonly T[], { weigh, least }: Scales<T>, severalTenants: boolean): string[] {
  const tenants = new TenantNames();
  const byTenant = new Map<string, number>();
  const byKey = new Map<string, number>();
  let all = 0;
  for (const item of items) {
    const weight = weigh(item);
    const tenant = tenants.of(item.key);
    all += weight;
    byTenant.set(tenant, (byTenant.get(tenant) ?? 0) + weight);
    byKey.set(item.key, (byKey.get(item.key) ?? 0) + weight);
  }
  const conversations = [...byKey].filter(([key, weight]) => weight > Math.max(least, all * CONVERSATION_SHARE) && key.includes('/')).map(([key]) => key);
  if (!severalTenants && byTenant.size === 1 && byTenant.has(DEFAULT_TENANT)) return conversations;
  const fair = Math.max(least, all / (byTenant.size + 1));
  return [...conversations, ...[...byTenant].filter(([tenant, weight]) => tenant !== '' && weight > fair).map(([tenant]) => tenant)];
}
