/** The X-ray: each message on its way through the log, record by record, as it happens. */
import { useEffect, useMemo, useState, useSyncExternalStore, type ReactElement } from 'react';
import { CloseIcon } from '../view/icons.js';
import { XrayFeed, type FeedState } from './feed.js';
import { JourneyView } from './journey-view.js';
import { journeysOf } from './records.js';

export interface XrayPanelProps {
  readonly conversationId: string;
  readonly token?: (() => Promise<string>) | undefined;
  readonly onClose: () => void;
}

const NOTHING: FeedState = { records: new Map(), live: false, earlier: false };
const quiet = (): (() => void) => () => { /* nothing to end */ };

export function XrayPanel({ conversationId, token, onClose }: XrayPanelProps): ReactElement {
  const [feed, setFeed] = useState<XrayFeed>();
  useEffect(() => {
    const opened = new XrayFeed({ conversationId, token });
    setFeed(opened);
    return () => { opened.close(); };
  }, [conversationId, token]);
  const { records, live, earlier, fault } = useSyncExternalStore(feed?.subscribe ?? quiet, feed?.getSnapshot ?? (() => NOTHING));
  const journeys = useMemo(() => journeysOf(records.values()), [records]);
  return (
    <aside className="xray" aria-label="X-ray">
      <header className="xray-head">
        <h2>X-ray</h2>
        <p className={live ? 'live' : 'live not'} role="status">{live ? 'live' : 'connecting'}</p>
        <button type="button" className="tool" aria-label="Close the X-ray" title="Close the X-ray" onClick={onClose}><CloseIcon /></button>
      </header>
      <div className="journeys" tabIndex={0} role="region" aria-label="Messages on their way">
        {fault === undefined ? null : <p className="fault" role="alert">{fault}</p>}
        {journeys.length === 0 && live ? <p className="nothing">Say something: each record that your message becomes shows up here, with where it stands in the log and how long it took.</p> : null}
        {journeys.map((journey, index) => <JourneyView key={journey.key} journey={journey} newest={index === 0} />)}
        {earlier ? <p className="nothing">Older messages are not shown.</p> : null}
      </div>
    </aside>
  );
}
