/** Says that the connection is gone and what happens next. Short interruptions are not worth a word. */
import { useEffect, useState, type ReactElement } from 'react';
import type { Connection } from '../../../client/src/index.js';

/** A connection may be away so long before anything is said. */
const PATIENCE_MILLIS = 700;

export function ConnectionBanner({ connection, onRetry }: { readonly connection: Connection; readonly onRetry: () => void }): ReactElement {
  const away = useAway(connection.state !== 'open');
  const offline = useOffline();
  const shown = away || offline;
  return (
    <div className="banner-place" role="status">
      {shown ? (
        <div className="banner">
          <p>{words(connection, offline)}</p>
          {offline ? null : <button type="button" className="link" onClick={onRetry}>Try now</button>}
        </div>
      ) : null}
    </div>
  );
}

function words(connection: Connection, offline: boolean): string {
  if (offline) return 'You are offline. What you write is sent when you are back.';
  if (connection.state === 'closed') return `Not connected: ${connection.reason?.detail ?? 'the server closed the connection'}`;
  return 'The connection was lost. Reconnecting; what you write is sent as soon as it is back.';
}

function useAway(away: boolean): boolean {
  const [long, setLong] = useState(false);
  useEffect(() => {
    if (!away) { setLong(false); return undefined; }
    const timer = setTimeout(() => { setLong(true); }, PATIENCE_MILLIS);
    return () => { clearTimeout(timer); };
  }, [away]);
  return long;
}

function useOffline(): boolean {
  const [offline, setOffline] = useState(!navigator.onLine);
  useEffect(() => {
    const look = (): void => { setOffline(!navigator.onLine); };
    window.addEventListener('online', look);
    window.addEventListener('offline', look);
    return () => { window.removeEventListener('online', look); window.removeEventListener('offline', look); };
  }, []);
  return offline;
}
