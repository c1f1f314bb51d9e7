/** Where the X-ray goes. Most people never look behind the scenes: its code comes when they do, if the server is there then. */
import { useEffect, useState, type FunctionComponent, type ReactElement } from 'react';
import type { XrayPanelProps } from '../xray/xray-panel.js';

export function XraySlot(props: XrayPanelProps): ReactElement {
  const [panel, setPanel] = useState<{ readonly Panel?: FunctionComponent<XrayPanelProps>; readonly failed?: boolean }>({});
  useEffect(() => {
    let gone = false;
    import('../xray/xray-panel.js').then(
      ({ XrayPanel }) => { if (!gone) setPanel({ Panel: XrayPanel }); },
      () => { if (!gone) setPanel({ failed: true }); },
    );
    return () => { gone = true; };
  }, []);
  if (panel.Panel !== undefined) return <panel.Panel {...props} />;
  return (
    <aside className="xray" aria-label="X-ray">
      {panel.failed === true ? <p className="nothing" role="alert">The X-ray could not be loaded. Open it again when the server is back.</p> : null}
    </aside>
  );
}
