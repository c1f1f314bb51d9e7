/** A session of the conversation that is shown; it ends when another one takes its place. */
import { useEffect, useState, useSyncExternalStore } from 'react';
import type { Client } from '../../../client/src/index.js';
import { randomId } from '../identity.js';
import { ChatSession, type ChatSnapshot } from '../state/session.js';

/** Undefined in the first moment, and while one conversation gives way to another. */
export function useSession(client: Client, conversationId: string, onReply: () => void): ChatSession | undefined {
  const [session, setSession] = useState<ChatSession>();
  useEffect(() => {
    const opened = new ChatSession({ client, conversationId, newKey: () => randomId(26), now: () => Date.now(), onReply });
    setSession(opened);
    return () => { setSession(undefined); opened.close(); };
  }, [client, conversationId, onReply]);
  return session;
}

export function useSnapshot(session: ChatSession): ChatSnapshot {
  return useSyncExternalStore(session.subscribe, session.getSnapshot);
}
