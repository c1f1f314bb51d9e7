/** The bar at the top: what this is, whether it is connected, and what can be done with it. */
import { useEffect, useState, type ReactElement, type ReactNode } from 'react';
import type { ChatSession } from '../state/session.js';
import { chooseTheme, shownTheme } from '../theme.js';
import { CloseIcon, MoonIcon, NewIcon, RaysIcon, SunIcon } from './icons.js';
import { useSnapshot } from './use-session.js';

export interface BarProps {
  readonly title: string;
  readonly session?: ChatSession;
  readonly xray?: { readonly open: boolean; readonly toggle: () => void };
  readonly onNew?: () => void;
  readonly onClose?: () => void;
}

export function Bar({ title, session, xray, onNew, onClose }: BarProps): ReactElement {
  return (
    <header className="bar">
      <h1 className="brand">{title}</h1>
      {session === undefined ? null : <ConnectionDot session={session} />}
      <nav className="tools" aria-label="Tools">
        {xray === undefined ? null : (
          <button type="button" className="tool worded" aria-pressed={xray.open} onClick={xray.toggle} title="Watch each message on its way through the log"><RaysIcon /><span>X-ray</span></button>
        )}
        <ThemeButton />
        {onNew === undefined ? null : <Tool label="New conversation" onClick={onNew}><NewIcon /></Tool>}
        {onClose === undefined ? null : <Tool label="Close the chat" onClick={onClose}><CloseIcon /></Tool>}
      </nav>
    </header>
  );
}

function Tool({ label, onClick, children }: { readonly label: string; readonly onClick: () => void; readonly children: ReactNode }): ReactElement {
  return <button type="button" className="tool" aria-label={label} title={label} onClick={onClick}>{children}</button>;
}

function ThemeButton(): ReactElement {
  const [theme, setTheme] = useState(shownTheme);
  useEffect(() => {
    const system = window.matchMedia('(prefers-color-scheme: dark)');
    const look = (): void => { setTheme(shownTheme()); };
    system.addEventListener('change', look);
    return () => { system.removeEventListener('change', look); };
  }, []);
  const other = theme === 'dark' ? 'light' : 'dark';
  return <Tool label={`Use the ${other} theme`} onClick={() => { chooseTheme(other); setTheme(other); }}>{theme === 'dark' ? <SunIcon /> : <MoonIcon />}</Tool>;
}

const STATES = { connecting: 'Connecting', open: 'Connected', waiting: 'Not connected', closed: 'Not connected' } as const;

function ConnectionDot({ session }: { readonly session: ChatSession }): ReactElement {
  const { connection } = useSnapshot(session);
  return <span className={`dot ${connection.state}`} title={STATES[connection.state]}><span className="unseen">{STATES[connection.state]}</span></span>;
}
