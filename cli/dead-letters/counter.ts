/** Where dead letters are handed in: the log itself, or the process that owns it. */
import { catalogue, ConfabError, type ErrorCode } from '../../platform/errors.js';
import type { EventLog } from '../../platform/event-log/event-log.js';
import { LetterDesk, type Settled } from '../../operate/letters/letter-desk.js';
import { letterDetail, type LetterDetail } from '../../operate/letters/letter-detail.js';
import type { LetterFilter } from '../../operate/letters/letter-reader.js';
import { MOST_AT_ONCE, viewOf, type LetterAction, type LetterView } from '../../operate/letters/letter.js';
import { AdminClient } from '../admin-client.js';
import type { CliContext } from '../context.js';
import { codecOf, logOf } from '../log.js';

export interface Counter {
  list(filter: LetterFilter): Promise<{ letters: readonly LetterView[]; more: boolean }>;
  show(id: string): Promise<LetterDetail>;
  settle(ids: readonly string[], action: LetterAction, onResult: (result: Settled) => void): Promise<void>;
  close(): Promise<void>;
}

/**
 * With `--url` everything goes to that server. Without, what only reads reads the log; what writes goes to Kafka itself, or
 * on the embedded log to the running process.
 */
export async function openCounter(context: CliContext, mode: 'read' | 'write', url: string | undefined): Promise<Counter> {
  const config = context.config();
  const remote = new RemoteCounter(new AdminClient({ config, url, clock: context.clock }));
  if (url !== undefined || (mode === 'write' && config.kafka.brokers === undefined)) return remote;
  const codec = await codecOf(context);
  const log = await logOf(context, mode);
  return new LocalCounter(log, new LetterDesk({ log, codec, clock: context.clock, random: context.random, prefix: config.pipeline.prefix }));
}

class LocalCounter implements Counter {
  constructor(private readonly log: EventLog, private readonly desk: LetterDesk) {}

  async list(filter: LetterFilter): Promise<{ letters: LetterView[]; more: boolean }> {
    const { letters, more } = await this.desk.reader.list(filter);
    return { letters: letters.map(viewOf), more };
  }

  show(id: string): Promise<LetterDetail> { return letterDetail(this.desk, id); }
  async settle(ids: readonly string[], action: LetterAction, onResult: (result: Settled) => void): Promise<void> { await this.desk.settle(ids, action, onResult); }
  close(): Promise<void> { return this.log.close(); }
}

const PATH = '/v1/admin/dead-letters';
/** Letters of one answer, as the server has it. */
const MOST = 1000;

class RemoteCounter implements Counter {
  constructor(private readonly client: AdminClient) {}

  async list({ status, stage, since, limit = MOST }: LetterFilter): Promise<{ letters: LetterView[]; more: boolean }> {
    const query = new URLSearchParams({ limit: String(Math.min(limit, MOST)), ...(status === undefined ? {} : { status }), ...(stage === undefined ? {} : { stage }), ...(since === undefined ? {} : { since: new Date(since).toISOString() }) });
    return await this.client.get(`${PATH}?${query.toString()}`) as { letters: LetterView[]; more: boolean };
  }

  async show(id: string): Promise<LetterDetail> { return await this.client.get(`${PATH}/${encodeURIComponent(id)}`) as LetterDetail; }

  async settle(ids: readonly string[], action: LetterAction, onResult: (result: Settled) => void): Promise<void> {
    const each = [...new Set(ids)];
    for (let at = 0; at < each.length; at += MOST_AT_ONCE) {
      const { results } = await this.client.postAgain(`${PATH}/${action}`, { ids: each.slice(at, at + MOST_AT_ONCE) }) as { results: readonly (Settled & { code?: ErrorCode; detail?: string })[] };
      for (const { code, detail, ...result } of results) {
        onResult(code === undefined ? result : { id: result.id, error: new ConfabError(Object.hasOwn(catalogue, code) ? code : 'CONFAB_INTERNAL', detail === undefined ? {} : { detail }) });
      }
    }
  }

  close(): Promise<void> { return Promise.resolve(); }
}
