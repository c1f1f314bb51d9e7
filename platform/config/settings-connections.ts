/** Settings of the connections to other systems. */
import { address, choice, duration, flag, hidden, integer, list, pem, pemKey, secretUrl, text, url } from './kinds.js';
import { optional, secret, setting } from './setting.js';

const PEM = { ca: '/etc/confab/ca.pem', cert: '/etc/confab/client.pem' };

export const kafka = {
  brokers: optional('CONFAB_KAFKA_BROKERS', list(address), {
    example: 'kafka-1:9092,kafka-2:9092', defaultText: 'none: the embedded log', doc: 'Brokers to begin with. When it is set, the log is Kafka.',
  }),
  tls: setting('CONFAB_KAFKA_TLS', flag, { default: false, doc: 'Connect with TLS. Also on when CA, certificate or key is set.' }),
  ca: optional('CONFAB_KAFKA_CA', pem, { example: PEM.ca, doc: "Certificates that sign the brokers'." }),
  cert: optional('CONFAB_KAFKA_CERT', pem, { example: PEM.cert, doc: 'Client certificate.' }),
  key: secret('CONFAB_KAFKA_KEY', pemKey, { doc: 'Key of the client certificate.' }),
  saslMechanism: optional('CONFAB_KAFKA_SASL_MECHANISM', choice('plain', 'scram-sha-256', 'scram-sha-512', 'oauthbearer'), { doc: 'How to log in to the brokers.' }),
  saslUsername: optional('CONFAB_KAFKA_SASL_USERNAME', text(), { doc: 'User name for plain and scram.' }),
  saslPassword: secret('CONFAB_KAFKA_SASL_PASSWORD', hidden, { doc: 'Password for plain and scram.' }),
  saslToken: secret('CONFAB_KAFKA_SASL_TOKEN', hidden, { doc: 'Token for oauthbearer. As CONFAB_KAFKA_SASL_TOKEN_FILE the file is read again at each login, so that it may be renewed.' }),
  clientId: setting('CONFAB_KAFKA_CLIENT_ID', text(/^[A-Za-z0-9._-]{1,100}$/, 'letters, digits, `.`, `_`, `-`, at most 100'), { default: 'confab', doc: 'Name of this client in the logs and quotas of the brokers.' }),
};

export const redis = {
  url: secret('CONFAB_REDIS_URL', secretUrl('redis', 'rediss'), {
    example: 'rediss://user:password@redis:6379/0', doc: 'Redis for state, idempotency keys and outboxes; `rediss://` is TLS. User and password may stand in it.',
  }),
  username: optional('CONFAB_REDIS_USERNAME', text(), { doc: 'ACL user, when it does not stand in the URL.' }),
  password: secret('CONFAB_REDIS_PASSWORD', hidden, { doc: 'Password, when it does not stand in the URL.' }),
  ca: optional('CONFAB_REDIS_CA', pem, { example: PEM.ca, doc: 'Certificates that sign those of Redis.' }),
  cert: optional('CONFAB_REDIS_CERT', pem, { example: PEM.cert, doc: 'Client certificate.' }),
  key: secret('CONFAB_REDIS_KEY', pemKey, { doc: 'Key of the client certificate.' }),
  tls: setting('CONFAB_REDIS_TLS', flag, { default: false, doc: 'TLS for Sentinel and Cluster, which have no URL.' }),
  sentinels: optional('CONFAB_REDIS_SENTINELS', list(address), { example: 'sentinel-1:26379,sentinel-2:26379', doc: 'Sentinels to ask for the master, instead of CONFAB_REDIS_URL.' }),
  sentinelName: setting('CONFAB_REDIS_SENTINEL_NAME', text(), { default: 'mymaster', doc: 'Name of the master at the Sentinels.' }),
  sentinelUsername: optional('CONFAB_REDIS_SENTINEL_USERNAME', text(), { doc: 'ACL user of the Sentinels.' }),
  sentinelPassword: secret('CONFAB_REDIS_SENTINEL_PASSWORD', hidden, { doc: 'Password of the Sentinels.' }),
  clusterNodes: optional('CONFAB_REDIS_CLUSTER_NODES', list(address), { example: 'redis-1:6379,redis-2:6379', doc: 'Nodes of a Redis Cluster to begin with, instead of CONFAB_REDIS_URL.' }),
  database: setting('CONFAB_REDIS_DATABASE', integer(0, 1023), { default: 0, doc: 'Database number with Sentinel; a URL has it in its path.' }),
  keyPrefix: setting('CONFAB_REDIS_KEY_PREFIX', text(/^[A-Za-z0-9._:-]{0,60}$/, 'letters, digits, `.`, `_`, `:`, `-`, at most 60'), { default: 'confab:', doc: 'Put before every key, with CONFAB_PREFIX behind it.' }),
};

export const registry = {
  url: optional('CONFAB_REGISTRY_URL', url('http', 'https'), { example: 'https://registry:8081', defaultText: 'none: the ids in `schemas/ids.json`', doc: 'Schema registry with the Confluent API.' }),
  username: optional('CONFAB_REGISTRY_USERNAME', text(), { doc: 'User name (basic).' }),
  password: secret('CONFAB_REGISTRY_PASSWORD', hidden, { doc: 'Password (basic).' }),
  token: secret('CONFAB_REGISTRY_TOKEN', hidden, { doc: 'Bearer token, instead of user name and password.' }),
  ca: optional('CONFAB_REGISTRY_CA', pem, { example: PEM.ca, doc: "Certificates that sign the registry's." }),
  cert: optional('CONFAB_REGISTRY_CERT', pem, { example: PEM.cert, doc: 'Client certificate.' }),
  key: secret('CONFAB_REGISTRY_KEY', pemKey, { doc: 'Key of the client certificate.' }),
};

export const elasticsearch = {
  url: optional('CONFAB_ELASTICSEARCH_URL', url('http', 'https'), { example: 'https://elasticsearch:9200', doc: 'Elasticsearch for search and reports.' }),
  username: optional('CONFAB_ELASTICSEARCH_USERNAME', text(), { doc: 'User name (basic).' }),
  password: secret('CONFAB_ELASTICSEARCH_PASSWORD', hidden, { doc: 'Password (basic).' }),
  apiKey: secret('CONFAB_ELASTICSEARCH_API_KEY', hidden, { doc: 'API key, instead of user name and password.' }),
  ca: optional('CONFAB_ELASTICSEARCH_CA', pem, { example: PEM.ca, doc: "Certificates that sign the cluster's." }),
  timeout: setting('CONFAB_ELASTICSEARCH_TIMEOUT', duration, { default: 30_000, doc: 'Time that a request may take.' }),
};
