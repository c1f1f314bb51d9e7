/** Starts the chat page: asks the site around it, if there is one, how it should be, then shows the conversation. */
import { createRoot } from 'react-dom/client';
import { createClient } from '../../client/src/index.js';
import { Host } from './host.js';
import { currentConversation, tabStorage } from './identity.js';
import { chooseTheme, showColour } from './theme.js';
import { App } from './view/app.js';
import { SafetyNet } from './view/safety-net.js';

async function start(): Promise<void> {
  const host = new Host();
  const options = await host.options();
  showColour(options.colour);
  if (options.theme !== undefined) chooseTheme(options.theme);
  document.documentElement.classList.toggle('framed', host.framed);
  const storage = tabStorage();
  const client = createClient({
    url: window.location.origin,
    ...(options.token ? { token: () => host.token() } : {}),
    ...(storage === undefined ? {} : { storage }),
  });
  window.addEventListener('online', () => { client.reconnect(); });
  host.onToken(() => { client.reconnect(); });
  const root = document.getElementById('root');
  if (root === null) throw new Error('index.html has no element with the id root');
  createRoot(root).render(<SafetyNet><App client={client} host={host} options={options} first={options.conversation ?? currentConversation(options.remembered)} /></SafetyNet>);
}

void start();
