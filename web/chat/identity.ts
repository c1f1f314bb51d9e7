/** Which conversation this browser is in, and keys for what it says. */
const KEY = 'confab.conversation';
const LETTERS = '0123456789abcdefghjkmnpqrstvwxyz';

/** 32 equally likely letters: no letter is favoured by the remainder. */
export function randomId(length: number): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(length)), (byte) => LETTERS[byte % 32]).join('');
}

/** The one of last time, else the one that the site remembers, else a new one. */
export function currentConversation(remembered?: string): string {
  const stored = [storedConversation(), remembered].find((id) => id !== undefined && /^[A-Za-z0-9._:-]{1,128}$/.test(id));
  return stored ?? newConversation();
}

function storedConversation(): string | undefined {
  try { return localStorage.getItem(KEY) ?? undefined; } catch { return undefined; }
}

export function newConversation(): string {
  const id = `web-${randomId(20)}`;
  try { localStorage.setItem(KEY, id); } catch { /* lasts as long as the page */ }
  return id;
}

/** Calls `run` when another tab of this browser goes to another conversation. */
export function onConversationElsewhere(run: (id: string) => void): () => void {
  const changed = ({ key, newValue }: StorageEvent): void => { if (key === KEY && newValue !== null) run(newValue); };
  window.addEventListener('storage', changed);
  return () => { window.removeEventListener('storage', changed); };
}

/** `sessionStorage`: a tab keeps what it had not sent over a reload; other tabs have their own. */
export function tabStorage(): Storage | undefined {
  try { return window.sessionStorage; } catch { return undefined; }
}
