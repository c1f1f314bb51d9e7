/** This server wants to know who one is: says how an application tells it. There is no field for a token, and no URL takes one. */
import type { ReactElement } from 'react';
import type { ClientError } from '../../../client/src/index.js';
import { KeyIcon } from './icons.js';

export interface TokenNeededProps {
  readonly hasTokens: boolean;
  readonly reason?: ClientError;
  readonly onRetry: () => void;
}

const SNIPPET = `<script>
  window.Confab = {
    token: () => fetch('/my/chat-token').then((answer) => answer.text()),
  };
</script>
<script src="${window.location.origin}/widget.js" async></script>`;

export function TokenNeeded({ hasTokens, reason, onRetry }: TokenNeededProps): ReactElement {
  return (
    <div className="token-needed">
      <KeyIcon />
      <h2>{hasTokens ? 'You could not be signed in' : 'This chat needs a sign-in'}</h2>
      {hasTokens ? (
        <p>The site gave no token that this server takes{reason === undefined ? '' : ` (${reason.code})`}. Sign in there again, then try once more.</p>
      ) : (
        <>
          <p>The server only talks to people whom an application has signed in. Opened by itself, this page has no token, and it takes none from its address.</p>
          <p>Are you building that application? Embed the chat with the widget and hand over a token for each person:</p>
          <pre tabIndex={0} aria-label="How a site embeds the chat"><code>{SNIPPET}</code></pre>
        </>
      )}
      <button type="button" className="choice" onClick={onRetry}>Try again</button>
    </div>
  );
}
