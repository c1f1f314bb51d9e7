/** What stands there before anything was said. */
import type { ReactElement } from 'react';

const OPENERS = ['Hello!', 'What can you do?', 'I would like to talk to a person'];

export function Welcome({ onSay }: { readonly onSay: (text: string) => void }): ReactElement {
  return (
    <div className="welcome">
      <h2>What can we do for you?</h2>
      <p>Write below, or begin with one of these.</p>
      <ul className="openers">
        {OPENERS.map((text) => <li key={text}><button type="button" className="choice" onClick={() => { onSay(text); }}>{text}</button></li>)}
      </ul>
    </div>
  );
}
