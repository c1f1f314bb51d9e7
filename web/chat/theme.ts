/** Light or dark: the system's choice until the person makes another one, which is remembered. */
import { colourRules } from './colour.js';

export type Theme = 'light' | 'dark';

const KEY = 'confab.theme';

export function storedTheme(): Theme | undefined {
  try {
    const stored = localStorage.getItem(KEY);
    return stored === 'light' || stored === 'dark' ? stored : undefined;
  } catch { return undefined; }
}

export function shownTheme(): Theme {
  const chosen = document.documentElement.dataset.theme;
  if (chosen === 'light' || chosen === 'dark') return chosen;
  return window.matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
}

export function showTheme(theme: Theme | undefined): void {
  if (theme !== undefined) document.documentElement.dataset.theme = theme;
}

export function chooseTheme(theme: Theme): void {
  showTheme(theme);
  try { localStorage.setItem(KEY, theme); } catch { /* not remembered, then */ }
}

/** The site's colour instead of ours. What is no colour changes nothing. */
export function showColour(colour: string | undefined): void {
  if (colour === undefined || !/^#[0-9a-f]{6}$/i.test(colour)) return;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(colourRules(colour));
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
}
