/** One conversation: what was said, what goes on, and where one writes. */
import type { ReactElement } from 'react';
import type { Client } from '../../../client/src/index.js';
import type { ChatSession } from '../state/session.js';
import { openChoices } from '../state/shown.js';
import { needsToken } from '../state/words.js';
import { Composer } from './composer.js';
import { ConnectionBanner } from './connection-banner.js';
import { MessageLog } from './message-log.js';
import { TokenNeeded } from './token-needed.js';
import { Welcome } from './welcome.js';
import { useSnapshot } from './use-session.js';

export interface ChatViewProps {
  readonly session: ChatSession;
  readonly client: Client;
  /** The site around the page gives tokens. */
  readonly hasTokens: boolean;
}

export function ChatView({ session, client, hasTokens }: ChatViewProps): ReactElement {
  const snapshot = useSnapshot(session);
  const { conversation, connection, reading, fault } = snapshot;
  if (needsToken(connection) && conversation.entries.length === 0) {
    return <main className="chat"><TokenNeeded hasTokens={hasTokens} {...(connection.reason === undefined ? {} : { reason: connection.reason })} onRetry={() => { client.reconnect(); void session.readLatest(); }} /></main>;
  }
  const open = openChoices(conversation);
  const fresh = conversation.entries.length === 0 && reading === undefined && fault === undefined;
  return (
    <main className="chat">
      <ConnectionBanner connection={connection} onRetry={() => { client.reconnect(); }} />
      {fresh ? <Welcome onSay={(text) => { session.say(text); }} /> : <MessageLog session={session} snapshot={snapshot} />}
      <div className="foot">
        {open === undefined ? null : (
          <ul className="choices" aria-label="Suggested answers">
            {open.choices.map((choice) => (
              <li key={`${choice.title} ${choice.payload}`}><button type="button" className="choice" onClick={() => { session.choose(choice, open.replyId); }}>{choice.title}</button></li>
            ))}
          </ul>
        )}
        <Composer onSend={(text) => { session.say(text); }} onType={() => { session.typing(); }} />
      </div>
    </main>
  );
}
