/** Markup as text. Everything that comes from data passes `escaped`: labels and texts are strangers' words. */

const NAMES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** Safe inside elements and quoted attributes. Characters that change the direction of text are shown by their number. */
export function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => NAMES[character] ?? '').replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

export const percent = (share: number | null, digits = 1): string => (share === null ? '–' : `${(share * 100).toFixed(digits)} %`);

/** A page that stands alone: no scripts, and nothing is loaded from anywhere, which its policy holds browsers to. */
export function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${escaped(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
${body}
</main>
</body>
</html>
`;
}

const STYLE = `
:root { color-scheme: light dark; --ink: #1d2733; --soft: #5b6875; --line: #d9dfe5; --back: #fff; --tile: #f4f6f8; --mark: #0b6bcb; --weak: #9cc4ec; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6eaee; --soft: #9aa7b4; --line: #36414c; --back: #14191f; --tile: #1d242c; --mark: #5aa9f5; --weak: #2d5680; --bad: #ff8a80; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 24px 16px 64px; }
h1 { font-size: 26px; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 19px; margin: 40px 0 8px; }
p { margin: 4px 0 12px; color: var(--soft); max-width: 74ch; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(215px, 1fr)); gap: 12px; margin: 20px 0; padding: 0; list-style: none; }
.tiles li { background: var(--tile); border-radius: 8px; padding: 12px 14px; }
.tiles b { display: block; font-size: 22px; font-variant-numeric: tabular-nums; }
.tiles span { color: var(--soft); font-size: 13px; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(320px, 1fr)); gap: 24px; }
figure { margin: 0; }
figcaption { color: var(--soft); font-size: 13px; }
svg { width: 100%; height: auto; display: block; }
svg text { fill: var(--soft); font: 11px system-ui, sans-serif; }
.axis { stroke: var(--line); stroke-width: 1; fill: none; }
.ideal { stroke: var(--soft); stroke-dasharray: 4 4; fill: none; }
.curve { stroke: var(--mark); stroke-width: 2; fill: none; }
.dot { fill: var(--mark); }
.bar { fill: var(--weak); }
.range { stroke: var(--mark); stroke-width: 2; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: 5px 10px 5px 0; border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere; }
th { font-size: 13px; color: var(--soft); font-weight: 600; }
td.n, th.n { text-align: right; white-space: nowrap; overflow-wrap: normal; }
td.low { color: var(--bad); }
.examples { color: var(--soft); font-size: 13px; }
.range-cell { width: 180px; min-width: 120px; padding-right: 0; }
@media (max-width: 500px) { .tiles { grid-template-columns: 1fr 1fr; } }
@media print { main { max-width: none; } h2 { break-after: avoid; } tr { break-inside: avoid; } }
`;
