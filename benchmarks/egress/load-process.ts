/** Process: sockets that follow conversations (stream-load.ts). Its settings come as one JSON argument; told what to do by IPC. */
import { StreamLoad } from './stream-load.js';
import type { StreamLoadSettings, ToLoad } from './load-settings.js';

const settings = JSON.parse(process.argv[2] ?? '{}') as StreamLoadSettings;
const load = new StreamLoad(settings, (message) => { process.send?.(message); });
process.on('message', (message: ToLoad) => {
  load.take(message);
  if (message.type === 'end') process.disconnect();
});
if (settings.held) {
  process.send?.({ type: 'held' });
  await new Promise<void>((resolve) => { process.on('message', ({ type }: ToLoad) => { if (type === 'connect') resolve(); }); });
}
await load.connect();
process.send?.({ type: 'ready' });
