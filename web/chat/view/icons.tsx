/** The icons of the page, drawn for it: 20 by 20, strokes in the colour of the text. Decoration: what they mean stands beside them. */
import type { ReactElement, ReactNode } from 'react';

function Icon({ children }: { readonly children: ReactNode }): ReactElement {
  return (
    <svg className="icon" viewBox="0 0 20 20" width="20" height="20" fill="none" stroke="currentColor" strokeWidth="1.6" strokeLinecap="round" strokeLinejoin="round" aria-hidden="true" focusable="false">
      {children}
    </svg>
  );
}

export const SendIcon = (): ReactElement => <Icon><path d="M10 16.5v-13M4.5 9 10 3.5 15.5 9" /></Icon>;
export const SunIcon = (): ReactElement => <Icon><circle cx="10" cy="10" r="3.4" /><path d="M10 2.2v1.6M10 16.2v1.6M2.2 10h1.6M16.2 10h1.6M4.5 4.5l1.1 1.1M14.4 14.4l1.1 1.1M4.5 15.5l1.1-1.1M14.4 5.6l1.1-1.1" /></Icon>;
export const MoonIcon = (): ReactElement => <Icon><path d="M16.5 11.8A7 7 0 0 1 8.2 3.5a7 7 0 1 0 8.3 8.3Z" /></Icon>;
export const NewIcon = (): ReactElement => <Icon><path d="M16 10.5V14a2.5 2.5 0 0 1-2.5 2.5H6A2.5 2.5 0 0 1 3.5 14V6.5A2.5 2.5 0 0 1 6 4h3.5M8.3 11.7l.5-2.4 6.7-6.7 1.9 1.9-6.7 6.7-2.4.5Z" /></Icon>;
export const RaysIcon = (): ReactElement => <Icon><path d="M3 5.5h6M3 10h11M7 14.5h9" /><circle cx="12" cy="5.5" r="1.4" /><circle cx="17" cy="10" r=".6" /><circle cx="4" cy="14.5" r="1.1" /></Icon>;
export const CloseIcon = (): ReactElement => <Icon><path d="m5 5 10 10M15 5 5 15" /></Icon>;
export const DownIcon = (): ReactElement => <Icon><path d="M10 4v12M5 11l5 5 5-5" /></Icon>;
export const RetryIcon = (): ReactElement => <Icon><path d="M15.8 8.2A6.2 6.2 0 1 0 16 11.5M16.2 4.2v4h-4" /></Icon>;
export const KeyIcon = (): ReactElement => <Icon><circle cx="6.8" cy="13.2" r="3.3" /><path d="m9.2 10.8 7.3-7.3M13.5 6.5l2 2" /></Icon>;

/** One tick: the server has it. Two: it has its answer. A clock: on its way. */
export function MarkIcon({ mark }: { readonly mark: string }): ReactElement | null {
  if (mark === 'sending') return <Icon><circle cx="10" cy="10" r="6" /><path d="M10 6.8V10l2 1.3" /></Icon>;
  if (mark === 'accepted' || mark === 'silent') return <Icon><path d="m5.5 10.5 3 3 6-7" /></Icon>;
  if (mark === 'answered' || mark === 'handed_off') return <Icon><path d="m2.5 10.5 3 3 6-7M9.5 12.7l.8.8 6-7" /></Icon>;
  return <Icon><path d="M10 5.5v5.5M10 14v.1" /><circle cx="10" cy="10" r="7" /></Icon>;
}
