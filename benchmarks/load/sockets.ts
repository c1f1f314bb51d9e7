/** Process: load over sockets. Its settings come as one JSON argument; it tells its progress by IPC; a message to it ends it. */
import { ConversationLoad, type LoadSettings } from './conversation-load.js';

const settings = JSON.parse(process.argv[2] ?? '{}') as LoadSettings;
const tell = (type: string, more: object = {}): void => { process.send?.({ type, ...more }); };

const load = new ConversationLoad(settings);
await load.connect();
tell('ready');
const ended = new Promise<void>((resolve) => { process.once('message', () => { resolve(); }); });
const result = await load.run({ measuring: () => { tell('measuring'); }, measured: () => { tell('measured'); } }, ended);
tell('result', { result });
process.disconnect();
