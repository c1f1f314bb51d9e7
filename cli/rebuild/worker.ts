/** Where a view is rebuilt: by this command, or by the process that owns the embedded log. */
import { isCode } from '../../platform/errors.js';
import type { EventLog } from '../../platform/event-log/event-log.js';
import type { Part, PartChecked, PartRebuilt, Rebuild } from '../../operate/rebuild/view.js';
import { rebuildable } from '../../operate/rebuild/views.js';
import { AdminClient } from '../admin-client.js';
import type { CliContext, OpenState } from '../context.js';
import { codecOf, logOf } from '../log.js';

export interface Worker extends Rebuild {
  close(): Promise<void>;
}

/**
 * With `--url` that server does it. Without, this command works on Kafka and Redis itself; on the embedded log too while no
 * process has it, else that process does.
 */
export async function openWorker(context: CliContext, view: string, url: string | undefined): Promise<Worker> {
  const rebuild = rebuildable(view);
  const config = context.config();
  const remote = (): Worker => new RemoteWorker(view, new AdminClient({ config, url, clock: context.clock }));
  if (url !== undefined) return remote();
  let log: EventLog;
  try {
    log = await ownLog(context, config.kafka.brokers === undefined);
  } catch (error) {
    if (isCode(error, 'CONFAB_LOG_LOCKED')) return remote();
    throw error;
  }
  let state: OpenState | undefined;
  try {
    state = await context.openState?.(config, log);
    const made = rebuild({ log, codec: await codecOf(context), clock: context.clock, prefix: config.pipeline.prefix, state: state?.store });
    const close = async (): Promise<void> => { await state?.close(); await log.close(); };
    return { parts: () => made.parts(), run: (...all) => made.run(...all), check: (...all) => made.check(...all), close };
  } catch (error) {
    await state?.close();
    await log.close();
    throw error;
  }
}

/** An embedded log must be there already: to open one for writing would make it. */
async function ownLog(context: CliContext, embedded: boolean): Promise<EventLog> {
  if (!embedded) return logOf(context, 'read');
  await (await logOf(context, 'read')).close();
  return logOf(context, 'write');
}

class RemoteWorker implements Worker {
  private readonly path: string;

  constructor(view: string, private readonly client: AdminClient) { this.path = `/v1/admin/views/${encodeURIComponent(view)}`; }

  async parts(): Promise<readonly Part[]> { return (await this.client.get(this.path) as { parts: Part[] }).parts; }
  async run({ topic, partition }: Part): Promise<PartRebuilt> { return await this.client.postAgain(`${this.path}/rebuild`, { topic, partition }) as PartRebuilt; }
  async check({ topic, partition }: Part): Promise<PartChecked> { return await this.client.postAgain(`${this.path}/rebuild`, { topic, partition, check: true }) as PartChecked; }
  close(): Promise<void> { return Promise.resolve(); }
}
