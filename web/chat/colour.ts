/** A site's colour as the colours of the page: on each ground one that can be read. */
type Rgb = readonly [number, number, number];

/** Words in the accent need 4.5 to 1 (WCAG 2) on our papers and on their tints: by day as dark as this, by night as light. */
const DAY = 0.12;
const NIGHT = 0.5;

export function colourRules(hex: string): string {
  const colour = [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)) as unknown as Rgb;
  const fill = `--fill: ${hex}; --on-fill: ${inkOn(colour)}; --bar: ${hex}; --on-bar: ${inkOn(colour)};`;
  const day = `--accent: ${towards(colour, 0, (light) => light <= DAY)}; --tint: color-mix(in srgb, ${hex} 13%, var(--paper));`;
  // Once more by night: the page's own rules for it are more particular than those of the day.
  const night = `${fill} --accent: ${towards(colour, 255, (light) => light >= NIGHT)}; --tint: color-mix(in srgb, ${hex} 30%, var(--paper));`;
  return `:root, :root[data-theme] { ${fill} ${day} }
@media (prefers-color-scheme: dark) { :root:not([data-theme='light']) { ${night} } }
:root[data-theme='dark'] { ${night} }`;
}

/** Black and white have the same contrast on a ground of luminance 0.179. */
export function inkOn(colour: Rgb): string {
  return luminance(colour) > 0.179 ? '#000000' : '#ffffff';
}

/** Goes towards black or white until it will do. */
function towards(colour: Rgb, end: number, enough: (luminance: number) => boolean): string {
  for (let share = 0; share <= 20; share += 1) {
    const mixed = colour.map((value) => Math.round(value + (end - value) * (share / 20))) as unknown as Rgb;
    if (enough(luminance(mixed))) return `rgb(${mixed.join(' ')})`;
  }
  return end === 0 ? '#000000' : '#ffffff';
}

export function luminance([red, green, blue]: Rgb): number {
  return 0.2126 * linear(red / 255) + 0.7152 * linear(green / 255) + 0.0722 * linear(blue / 255);
}

const linear = (value: number): number => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
