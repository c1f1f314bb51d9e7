/** What is done to an installation. Each fault ends with everything running again, not necessarily ready. */
import { connect } from 'node:net';
import { pause, ROLES, type Installation, type Node, type Role } from './install.js';

export type Fault = (installation: Installation, pick: (n: number) => number) => Promise<void>;

const nodeOf = (installation: Installation, role: Role, pick: (n: number) => number): Node => {
  const nodes = installation.of(role);
  const node = nodes[pick(nodes.length)];
  if (node === undefined) throw new Error(`no ${role} is alive`);
  return node;
};
const someRole = (pick: (n: number) => number): Role => ROLES[pick(ROLES.length)] as Role;

async function expectOrderly(installation: Installation, node: Node): Promise<void> {
  const exit = await installation.stop(node);
  if (exit !== 0) throw new Error(`${node.role} ended with ${exit} after SIGTERM`);
}

async function kill(installation: Installation, pick: (n: number) => number, role = someRole(pick)): Promise<void> {
  const node = nodeOf(installation, role, pick);
  node.signal('SIGKILL');
  await node.exited;
  await (await installation.add(role)).ready();
}

async function zombie(installation: Installation, pick: (n: number) => number, role = someRole(pick)): Promise<void> {
  const node = nodeOf(installation, role, pick);
  node.signal('SIGSTOP');
  await pause(8_000);
  node.signal('SIGCONT');
}

async function roll(installation: Installation, role: Role): Promise<void> {
  for (const node of installation.of(role)) {
    await expectOrderly(installation, node);
    await (await installation.add(role)).ready();
  }
}

async function scale(installation: Installation, role: Role): Promise<void> {
  const more = [await installation.add(role), await installation.add(role)];
  await Promise.all(more.map((node) => node.ready()));
  await pause(3_000);
  for (const node of installation.of(role).slice(0, -1)) await expectOrderly(installation, node);
  await pause(3_000);
  await (await installation.add(role)).ready();
}

function redisCommand(url: string, command: string): Promise<void> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => { socket.write(`${command}\r\n`); });
    socket.once('data', () => { socket.destroy(); resolve(); });
    socket.once('error', reject);
  });
}

/** By name; `brokers` is what they need. */
export const faults: Readonly<Record<string, { readonly run: Fault; readonly brokers?: 3 }>> = {
  ...Object.fromEntries(ROLES.flatMap((role) => [
    [`scale-${role}`, { run: (installation: Installation) => scale(installation, role) }],
    [`roll-${role}`, { run: (installation: Installation) => roll(installation, role) }],
    [`kill-${role}`, { run: (installation: Installation, pick: (n: number) => number) => kill(installation, pick, role) }],
    [`zombie-${role}`, { run: (installation: Installation, pick: (n: number) => number) => zombie(installation, pick, role) }],
  ])),
  'redis-flush': { run: (installation) => redisCommand(installation.redisUrl, 'FLUSHALL') },
  'redis-kill': { run: async (installation) => { await installation.stopRedis('SIGKILL'); await pause(2_000); await installation.startRedis(); } },
  'redis-hang': { run: async (installation) => { installation.signalRedis('SIGSTOP'); await pause(5_000); installation.signalRedis('SIGCONT'); } },
  'redis-flush-and-kill': { run: async (installation, pick) => { await redisCommand(installation.redisUrl, 'FLUSHALL'); await kill(installation, pick, 'dialogue'); } },
  'broker-restart': { run: async ({ kafka }) => { await kafka.stop(1); await kafka.start(1); } },
  'broker-kill': { run: async ({ kafka }, pick) => { const node = 1 + pick(kafka.brokers.length); await kafka.kill(node); await pause(4_000); await kafka.start(node); } },
};
