/** The claim index on a cluster of three masters. */
import { clusterOfFile } from '../../../scripts/services/redis-cluster-of-file.js';
import { claimIndexContract } from './claim-index.contract.js';
import { RedisClaimIndex } from './redis.js';

const { skip, open } = clusterOfFile({ replicas: false });

claimIndexContract('redis cluster', async () => {
  const ends: (() => Promise<void>)[] = [];
  const { redis, prefix, flush } = await open({ after: (run) => { ends.push(run); } });
  return {
    flush,
    open: () => new RedisClaimIndex({ redis, prefix, epoch: '0a1b2c3d', keepMillis: 60_000 }),
    close: async () => { for (const end of ends) await end(); },
  };
}, { skip });
