/** The contract of the event log on a real Kafka. Faults of client and broker: kafkajs-faults.test.ts. */
import { Kafka, logLevel } from 'kafkajs';
import { systemClock } from '../clock.js';
import { silentLogger } from '../observability/logger.js';
import { systemRandom, ulidMaker } from '../random.js';
import { eventually, serviceAddress, skipWithout } from '../testing.js';
import { readAll, text } from './contract/bench.contract.js';
import { eventLogContract } from './event-log.contract.js';
import { openKafkaLog } from './kafkajs.js';

const ulid = ulidMaker(systemClock, systemRandom);

eventLogContract('kafkajs', async () => {
  const brokers = (serviceAddress('kafka') ?? '').split(',');
  const prefix = `t-${ulid().toLowerCase()}-`;
  const admin = new Kafka({ brokers, clientId: 'test', logLevel: logLevel.NOTHING }).admin();
  let connected = false;
  return {
    open: () => openKafkaLog({ brokers, clientId: 'test', clock: systemClock, logger: silentLogger }),
    name: (what) => prefix + what,
    trim: async (_log, topic, partition, offset) => {
      if (!connected) { await admin.connect(); connected = true; }
      await admin.fetchTopicOffsets(topic);
      await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: String(offset) }] });
    },
    compactConfig: { 'segment.ms': '50', 'min.cleanable.dirty.ratio': '0.001', 'delete.retention.ms': '100' },
    // The newest segment is never compacted: one more record, later than segment.ms, begins another. The cleaner looks every 15 s.
    compact: async (log, topic) => {
      const appender = await log.appender();
      await appender.append([text(topic, 'begins a segment', { key: 'roll', timestamp: systemClock.now() + 1_000 })]);
      await eventually('the cleaner', async () => (await readAll(log, topic)).length <= 20, 60_000);
    },
    close: async () => { if (connected) await admin.disconnect(); },
  };
}, { skip: skipWithout('kafka'), once: false });
