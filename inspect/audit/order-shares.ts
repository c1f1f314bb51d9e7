/** Order of more conversations than are held at a time: judged by shares of them, each in a pass of its own. */
import type { LogRecord } from '../../platform/event-log/event-log.js';
import { Findings } from './finding.js';
import type { Floors } from './floors.js';
import { Ledger } from './ledger.js';
import { MARK } from './marks.js';
import { OrderJudge, type OrderLimits } from './order.js';
import { Source, type SourceOptions, type Value } from './source.js';
import type { Audited, Spans } from './spans.js';
import { ALL, halves, type Slice } from './table.js';

export interface ShareOptions extends SourceOptions {
  readonly ledger: Ledger;
  /** Where what is found goes; what a single pass had found is taken out. */
  readonly findings: Findings;
  readonly most: number;
  readonly limits: OrderLimits;
  readonly spans: Spans;
  readonly from: Readonly<Record<Audited, number>>;
  readonly floors: Floors;
}

/** @throws CONFAB_LOG_UNAVAILABLE */
export async function orderByShares(options: ShareOptions): Promise<void> {
  const slices: Slice[] = [...halves(ALL)];
  options.findings.clear();
  for (let slice = slices.shift(); slice !== undefined; slice = slices.shift()) {
    const findings = new Findings(options.most);
    const pass = new OrderPass(options, slice, findings);
    await pass.run();
    if (pass.overfull) slices.push(...halves(slice));
    else options.findings.take(findings);
  }
}

class OrderPass {
  private readonly ledger: Ledger;
  private readonly order: OrderJudge;

  constructor(private readonly options: ShareOptions, slice: Slice, findings: Findings) {
    this.ledger = new Ledger({ ...options.ledger.options, findings });
    this.order = new OrderJudge(this.ledger, options.limits, slice);
  }

  get overfull(): boolean { return this.order.overfull; }

  async run(): Promise<void> {
    const { order, options } = this;
    await this.read('intents.v1', MARK.strayIntent, (value) => value.position, (message, record, value) => { order.intent(message, record, value.message.messageId); });
    await this.read('replies.v1', MARK.strayReply, (value) => value.position, (message, record, value) => { order.reply(message, record, value, record.offset < options.spans.due.replies); });
    await this.read('dialogue-states.v1', MARK.strayState, (value) => value.reflects, (message, record, value) => { order.state(message, record, value); });
    if (this.overfull) return;
    order.finish(options.floors);
    await this.ledger.answer();
  }

  private async read<T extends Audited>(topic: T, stray: number, position: (value: NonNullable<Value<T>>) => string, take: (message: number, record: LogRecord, value: NonNullable<Value<T>>) => void): Promise<void> {
    const { order, ledger, options } = this;
    const source: Source<T> = new Source<T>(options, topic, options.from[topic], (key) => order.has(key));
    source.extend(options.spans.of[topic].end);
    try {
      while (!order.overfull && await source.load()) {
        for (; source.at < source.records.length; source.at += 1) {
          const record = source.records[source.at] as LogRecord;
          const value = source.values[source.at];
          if (value === null) order.noState(record);
          if (value === null || value === undefined) continue;
          const place = position(value);
          const message = place.startsWith(ledger.options.epoch) ? Number(place.slice(9, 21)) : -1;
          // What names no message of this audit, or one of another conversation, was told in the first pass.
          if (message >= ledger.marks.floor && (ledger.marks.get(message) & (MARK.message | stray)) === MARK.message) take(message, record, value);
        }
        await ledger.answer();
      }
    } finally { await source.close(); }
  }
}
