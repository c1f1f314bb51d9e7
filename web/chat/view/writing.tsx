/** Somebody is about to say something: three dots, or what is there of it so far. */
import type { ReactElement } from 'react';
import type { Author } from '../../../client/src/index.js';
import { Prose } from './prose.js';

export function WritingView({ author }: { readonly author: Author }): ReactElement {
  return (
    <div className="writing" role="status">
      <span className="unseen">{author.name ?? (author.type === 'bot' ? 'The bot' : 'Somebody')} is writing</span>
      <svg viewBox="0 0 32 10" width="32" height="10" aria-hidden="true"><circle cx="5" cy="5" r="3" /><circle cx="16" cy="5" r="3" /><circle cx="27" cy="5" r="3" /></svg>
    </div>
  );
}

/** Not read out piece by piece: the whole reply is, once it is there. */
export function DraftView({ text }: { readonly text: string }): ReactElement {
  return <li className="entry theirs first draft" aria-hidden="true"><p className="who">Bot</p><div className="bubble"><Prose text={text} /></div></li>;
}
