/** The page as a whole: bar, conversation and, beside it when asked for, the X-ray. */
import { useCallback, useEffect, useMemo, useState, type ReactElement } from 'react';
import type { Client } from '../../../client/src/index.js';
import type { Host, HostOptions } from '../host.js';
import { newConversation, onConversationElsewhere } from '../identity.js';
import { Bar } from './bar.js';
import { ChatView } from './chat-view.js';
import { useSession } from './use-session.js';
import { XraySlot } from './xray-slot.js';

export interface AppProps {
  readonly client: Client;
  readonly host: Host;
  readonly options: HostOptions;
  /** The conversation to begin with. */
  readonly first: string;
}

export function App({ client, host, options, first }: AppProps): ReactElement {
  const [conversationId, setConversation] = useState(first);
  const [xray, setXray] = useState(false);
  const own = options.conversation === undefined;
  const onReply = useCallback(() => { host.tell({ confab: 'replied' }); }, [host]);
  const token = useMemo(() => (options.token ? () => host.token() : undefined), [host, options]);
  // People on a site are not shown behind the scenes unless it asks for that.
  const hasXray = useFeature('xray', !host.framed || options.xray === true, token);
  const session = useSession(client, conversationId, onReply);

  useEffect(() => { if (own) host.tell({ confab: 'conversation', conversation: conversationId }); }, [own, host, conversationId]);
  useEffect(() => (own ? onConversationElsewhere(setConversation) : undefined), [own]);
  useEffect(() => {
    const escape = (event: KeyboardEvent): void => {
      if (event.key !== 'Escape' || event.defaultPrevented) return;
      if (xray) setXray(false);
      else host.tell({ confab: 'close' });
    };
    window.addEventListener('keydown', escape);
    return () => { window.removeEventListener('keydown', escape); };
  }, [xray, host]);

  return (
    <div className={xray && hasXray ? 'shell with-xray' : 'shell'}>
      <Bar
        title={options.title ?? 'Confab'} {...(session === undefined ? {} : { session })}
        {...(hasXray ? { xray: { open: xray, toggle: () => { setXray(!xray); } } } : {})}
        {...(own ? { onNew: () => { setConversation(newConversation()); } } : {})}
        {...(host.framed ? { onClose: () => { host.tell({ confab: 'close' }); } } : {})}
      />
      {session === undefined ? <main className="chat" /> : <ChatView key={conversationId} session={session} client={client} hasTokens={options.token} />}
      {xray && hasXray ? <XraySlot key={conversationId} conversationId={conversationId} token={token} onClose={() => { setXray(false); }} /> : null}
    </div>
  );
}

/** Whether the server has an optional ability, for who asks. */
function useFeature(name: string, wanted: boolean, token: (() => Promise<string>) | undefined): boolean {
  const [has, setHas] = useState(false);
  useEffect(() => {
    const asked = new AbortController();
    if (!wanted) return undefined;
    void (async () => {
      const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${await token()}` };
      const answer = await fetch('/v1', { signal: asked.signal, headers });
      const { features } = await answer.json() as { features?: readonly string[] };
      setHas(features?.includes(name) ?? false);
    })().catch(() => { /* a server that cannot be asked now is asked at the next visit */ });
    return () => { asked.abort(); };
  }, [name, wanted, token]);
  return has;
}
