/** Which language and region a text is read in. A profile is made once for each pair and kept. */

export interface Locale {
  /** ISO 639, one of the bot's languages. */
  readonly language: string;
  /** ISO 3166, two letters. */
  readonly region: string;
  /** `<language>-<region>`. */
  readonly tag: string;
  readonly decimal: string;
  readonly group: string;
}

/** More pairs than persons really use: somebody makes them up. */
const MOST_KEPT = 64;

export interface Locales {
  /** The language of the message where the bot speaks it, else the bot's first; the region that the message names, else the bot's, else the language's likeliest. */
  of(tag: string | null): Locale;
}

export function createLocales(languages: readonly string[]): Locales {
  const known = languages.map(parse).filter((one) => one !== undefined);
  const first = known[0] ?? { language: 'en', region: undefined };
  const kept = new Map<string, Locale>();
  const byTag = new Map<string | null, Locale>();
  const make = (language: string, region: string): Locale => {
    const tag = `${language}-${region}`;
    const found = kept.get(tag) ?? describe(language, region);
    if (kept.size >= MOST_KEPT) kept.clear();
    kept.set(tag, found);
    return found;
  };
  return { of(tag) {
    const before = byTag.get(tag);
    if (before) return before;
    const given = tag === null ? undefined : parse(tag);
    const spoken = known.find((one) => one.language === given?.language) ?? first;
    const found = make(spoken.language, given?.region ?? spoken.region ?? likelyRegion(spoken.language));
    if (byTag.size >= MOST_KEPT) byTag.clear();
    if (tag === null || tag.length <= 35) byTag.set(tag, found);
    return found;
  } };
}

function parse(tag: string): { language: string; region: string | undefined } | undefined {
  if (tag.length > 35) return undefined;
  try {
    const { language, region } = new Intl.Locale(tag.replaceAll('_', '-'));
    return { language, region: region !== undefined && /^[A-Z]{2}$/.test(region) ? region : undefined };
  } catch {
    return undefined;
  }
}

function likelyRegion(language: string): string {
  return new Intl.Locale(language).maximize().region ?? 'US';
}

function describe(language: string, region: string): Locale {
  const tag = `${language}-${region}`;
  const parts = new Intl.NumberFormat(tag, { useGrouping: true }).formatToParts(1_234_567.5);
  const sign = (type: string, otherwise: string): string => parts.find((part) => part.type === type)?.value ?? otherwise;
  return { language, region, tag, decimal: sign('decimal', '.'), group: sign('group', ',') };
}
