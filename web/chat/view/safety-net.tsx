/** What is shown when the page itself has a fault: words instead of nothing. What was said is on the server, or kept by the tab. */
import { Component, type ReactNode } from 'react';

export class SafetyNet extends Component<{ readonly children: ReactNode }, { readonly fallen: boolean }> {
  override state = { fallen: false };

  static getDerivedStateFromError(): { readonly fallen: boolean } { return { fallen: true }; }

  override render(): ReactNode {
    if (!this.state.fallen) return this.props.children;
    return (
      <main className="welcome" role="alert">
        <h2>Something went wrong on this page.</h2>
        <p>Nothing that was said is lost.</p>
        <button type="button" className="choice" onClick={() => { window.location.reload(); }}>Load it again</button>
      </main>
    );
  }
}
