/** Light or dark: the system's choice until the person makes another one, which is remembered. */
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

/** The site's colour instead of ours, with ink on it that can be read. What is no colour changes nothing. */
export function showColour(colour: string | undefined): void {
  if (colour === undefined || !/^#[0-9a-f]{6}$/i.test(colour)) return;
  const [red, green, blue] = [1, 3, 5].map((at) => linear(Number.parseInt(colour.slice(at, at + 2), 16) / 255)) as [number, number, number];
  const light = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  // Black and white have the same contrast on a surface of this luminance (WCAG 2).
  const ink = light > 0.179 ? '#000000' : '#ffffff';
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`:root, :root[data-theme] { --fill: ${colour}; --on-fill: ${ink}; }`);
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
}

const linear = (value: number): number => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
