/** Where one writes. Enter sends, Shift+Enter begins a line, Escape empties it. */
import { useRef, useState, type KeyboardEvent, type ReactElement } from 'react';
import { SendIcon } from './icons.js';

/** As the server counts: code points after NFC. */
const MAX = 4096;
const NEAR = 3600;

export interface ComposerProps {
  readonly onSend: (text: string) => void;
  readonly onType: () => void;
}

export function Composer({ onSend, onType }: ComposerProps): ReactElement {
  const [text, setText] = useState('');
  const field = useRef<HTMLTextAreaElement>(null);
  const length = [...text.trim().normalize('NFC')].length;
  const sendable = length > 0 && length <= MAX;

  const send = (): void => {
    if (!sendable) return;
    onSend(clean(text));
    setText('');
    field.current?.focus();
  };
  const key = (event: KeyboardEvent<HTMLTextAreaElement>): void => {
    // The Enter that ends the composition of a character belongs to the input method.
    if (event.nativeEvent.isComposing) return;
    if (event.key === 'Enter' && !event.shiftKey) {
      event.preventDefault();
      send();
    } else if (event.key === 'Escape' && text !== '') {
      event.preventDefault();
      setText('');
    }
  };

  return (
    <form className="composer" onSubmit={(event) => { event.preventDefault(); send(); }}>
      <label className="unseen" htmlFor="words">Your message</label>
      <textarea
        id="words" ref={field} value={text} rows={Math.min(6, text.split('\n').length)} placeholder="Write a message" autoComplete="off" enterKeyHint="send"
        aria-describedby="keys" aria-invalid={length > MAX} onChange={(event) => { setText(event.target.value); onType(); }} onKeyDown={key}
      />
      <span id="keys" className="unseen">Enter sends, Shift and Enter begin a new line.</span>
      {length > NEAR ? <span className={length > MAX ? 'count over' : 'count'} role="status">{length > MAX ? `${length - MAX} too many` : `${MAX - length} left`}</span> : null}
      <button type="submit" className="send" aria-label="Send" title="Send" disabled={!sendable}><SendIcon /></button>
    </form>
  );
}

/** Without what the server refuses: control characters other than line feed and tab. */
function clean(text: string): string {
  return text.trim().replace(/\r\n?/g, '\n').replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '');
}
