/** Settings of the connection to Kafka as the adapter's options. */
import type { Config } from '../platform/config.js';
import { ConfabError } from '../platform/errors.js';
import type { KafkaLogOptions } from '../platform/event-log/kafkajs.js';
import { defined } from './settings.js';

export type KafkaConnection = Pick<KafkaLogOptions, 'brokers' | 'clientId' | 'ssl' | 'sasl' | 'replicationFactor'>;

export function kafkaOptions({ kafka, pipeline }: Config): KafkaConnection {
  const tls = kafka.tls || kafka.ca !== undefined || kafka.cert !== undefined;
  return {
    brokers: kafka.brokers ?? [], clientId: kafka.clientId,
    ...(tls ? { ssl: defined({ ca: kafka.ca, cert: kafka.cert, key: kafka.key?.reveal() }) } : {}),
    ...defined({ sasl: sasl(kafka), replicationFactor: pipeline.replicas }),
  };
}

function sasl(kafka: Config['kafka']): KafkaLogOptions['sasl'] {
  const mechanism = kafka.saslMechanism;
  if (mechanism === undefined) return undefined;
  // From a file the token is read anew at each login, so that it may be renewed there.
  if (mechanism === 'oauthbearer') return { mechanism, oauthBearerProvider: () => Promise.resolve({ value: kafka.saslToken?.revealFresh() ?? '' }) };
  if (kafka.saslUsername === undefined || kafka.saslPassword === undefined) throw new ConfabError('CONFAB_CONFIG_INVALID', { detail: 'CONFAB_KAFKA_SASL_USERNAME and CONFAB_KAFKA_SASL_PASSWORD are missing.' });
  const login = { username: kafka.saslUsername, password: kafka.saslPassword.reveal() };
  switch (mechanism) {
    case 'plain': return { mechanism, ...login };
    case 'scram-sha-256': return { mechanism, ...login };
    case 'scram-sha-512': return { mechanism, ...login };
  }
}
