import { Command, InvalidArgumentError } from 'commander';
import { ConfabError } from '../platform/errors.js';
import type { EventLog, LogRecord } from '../platform/event-log/event-log.js';
import { createLocalCodec } from '../schemas/codec-local.js';
import { topicName, topology, type TopicName } from '../topology/topology.js';
import type { CliContext } from './context.js';
import { logOf } from './log.js';
import { suggestion } from './terminal.js';

interface TailFlags { from: 'start' | 'end'; limit?: number; follow: boolean }

const POLL_MILLIS = 200;

/** `confab tail TOPIC`: reads without a group, so nobody's position moves. */
export function tailCommand(context: CliContext): Command {
  return new Command('tail').argument('<topic>', 'a topic of the topology, such as replies.v1')
    .description('print the records of a topic as JSON lines; reads without a consumer group')
    .option('--from <start|end>', 'where to begin', (value) => {
      if (value !== 'start' && value !== 'end') throw new InvalidArgumentError('Use start or end.');
      return value;
    }, 'end')
    .option('--limit <n>', 'stop after so many records', wholeNumber)
    .option('--no-follow', 'stop at the end instead of waiting for more')
    .action((topic: string, flags: TailFlags) => tail(context, topic, flags));
}

/** For options that count: a whole number from 1. */
export function wholeNumber(value: string): number {
  if (!/^\d{1,9}$/.test(value) || Number(value) < 1) throw new InvalidArgumentError('Use a whole number from 1.');
  return Number(value);
}

async function tail(context: CliContext, name: string, flags: TailFlags): Promise<void> {
  if (!Object.hasOwn(topology.topics, name)) throw new ConfabError('CONFAB_USAGE', { detail: `There is no topic "${name}".${suggestion(name, Object.keys(topology.topics))}` });
  const config = context.config();
  const codec = await context.openCodec?.(config) ?? createLocalCodec();
  const log = await logOf(context, 'read');
  try {
    const decode = decoder(codec.of(topology.topics[name as TopicName].record));
    await follow(context, log, topicName(config.pipeline.prefix, name as TopicName), flags, decode);
  } finally {
    await log.close();
  }
}

type Decode = (bytes: Buffer) => Promise<unknown>;

function decoder(codec: { decode(bytes: Buffer): unknown; learn(bytes: Buffer): Promise<void> }): Decode {
  return async (bytes) => {
    try { return codec.decode(bytes); } catch { /* Perhaps an id that was not met yet. */ }
    try { await codec.learn(bytes); return codec.decode(bytes); } catch (error) {
      return { undecodable: bytes.toString('base64'), reason: (error as ConfabError).code };
    }
  };
}

async function follow(context: CliContext, log: EventLog, topic: string, flags: TailFlags, decode: Decode): Promise<void> {
  const signal = context.interrupted();
  const next = new Map((await log.admin.bounds(topic)).map(({ partition, start, end }) => [partition, flags.from === 'start' ? start : end]));
  let left = flags.limit ?? Infinity;
  for (;;) {
    for (const { partition, end } of await log.admin.bounds(topic)) {
      const from = next.get(partition) ?? 0;
      if (from >= end) continue;
      for await (const batch of log.read(topic, partition, from, end)) {
        for (const record of batch.records) {
          context.stdout.write(`${await lineOf(topic, partition, record, decode)}\n`);
          left -= 1;
          if (left === 0 || signal.aborted) return;
        }
      }
      next.set(partition, end);
    }
    if (!flags.follow || signal.aborted) return;
    await context.clock.sleep(POLL_MILLIS, signal).catch(() => undefined);
  }
}

async function lineOf(topic: string, partition: number, record: LogRecord, decode: Decode): Promise<string> {
  const value = record.value === null ? null : await decode(record.value);
  const line = { topic, partition, offset: record.offset, timestamp: new Date(record.timestamp).toISOString(), key: record.key, ...(record.headers === undefined ? {} : { headers: record.headers }), value };
  // A Buffer turns itself into an object before a replacer sees it.
  return JSON.stringify(line, (_key, inner: unknown) => (isBufferJson(inner) ? Buffer.from(inner.data).toString('base64') : inner));
}

function isBufferJson(value: unknown): value is { data: number[] } {
  return typeof value === 'object' && value !== null && (value as { type?: unknown }).type === 'Buffer' && Array.isArray((value as { data?: unknown }).data);
}
