/**
 * How numbers are said, as tables. Written by hand: ICU has the rules, but `Intl` does not show them, and the libraries that
 * read number words are slow or read one language (docs/adr/0158).
 */

export interface NumberGrammar {
  /** 0 to 19, separated by blanks; `|` separates forms, `_` stands for a blank. */
  readonly units: string;
  /** 20 to 90. */
  readonly tens: readonly string[];
  /** Forms of ten and unit together. */
  join(ten: string, unit: string, value: number): readonly string[];
  /** Tens on which 1 to 19 follow. */
  readonly countsToNineteen?: readonly number[];
  readonly extra?: Readonly<Record<string, number>>;
  readonly hundreds: Readonly<Record<string, number>>;
  readonly scales: Readonly<Record<string, number>>;
  readonly joiners: string;
  readonly articles?: string;
  /** Numbers are written in one word. */
  readonly compounds?: boolean;
  readonly ordinals: Readonly<Record<string, number>>;
  /** Ordinals of a number word. */
  ordinal?(form: string, value: number): readonly string[];
  readonly ordinalSuffixes: string;
  readonly ordinalDot?: boolean;
}

/** Words separated by blanks, counted up; `|` separates forms and `_` stands for a blank. */
const numbered = (words: string, first = 1, before = ''): Record<string, number> =>
  Object.fromEntries(words.split(' ').flatMap((forms, index) => forms.split('|').map((form) => [`${before}${form.replace('_', ' ')}`, first + index])));

const en: NumberGrammar = {
  units: 'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen',
  tens: ['twenty', 'thirty', 'forty|fourty', 'fifty', 'sixty', 'seventy', 'eighty', 'ninety'],
  join: (ten, unit) => [`${ten} ${unit}`],
  extra: { dozen: 12 },
  hundreds: { hundred: 100 }, scales: { thousand: 1e3, million: 1e6, billion: 1e9, trillion: 1e12 }, joiners: 'and', articles: 'a an',
  ordinals: { ...numbered('first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth') },
  ordinal: (form, value) => value > 12 && value < 20 ? [`${form}th`] : value % 10 === 0 ? [`${form.slice(0, -1)}ieth`] : [],
  ordinalSuffixes: 'st nd rd th',
};

const DE_IRREGULAR: Readonly<Record<number, string>> = { 1: 'erst', 3: 'dritt', 7: 'siebt', 8: 'acht' };
const de: NumberGrammar = {
  units: 'null eins zwei|zwo drei vier fünf|fuenf sechs sieben acht neun zehn elf zwölf|zwoelf dreizehn vierzehn fünfzehn|fuenfzehn sechzehn siebzehn achtzehn neunzehn',
  tens: ['zwanzig', 'dreißig|dreissig', 'vierzig', 'fünfzig|fuenfzig', 'sechzig', 'siebzig', 'achtzig', 'neunzig'],
  join: (ten, unit, value) => [`${value === 1 ? 'ein' : unit}und${ten}`],
  hundreds: { hundert: 100 }, scales: { tausend: 1e3, million: 1e6, millionen: 1e6, milliarde: 1e9, milliarden: 1e9 }, joiners: 'und', articles: 'ein eine einen einem einer eines', compounds: true,
  ordinals: {},
  ordinal: (form, value) => ['e', 'er', 'es', 'en', 'em'].map((ending) => `${DE_IRREGULAR[value] ?? `${form}${value < 20 ? 't' : 'st'}`}${ending}`),
  ordinalSuffixes: 'te ter tes ten tem ste ster sten', ordinalDot: true,
};

const nl: NumberGrammar = {
  units: 'nul één|een twee drie vier vijf zes zeven acht negen tien elf twaalf dertien veertien vijftien zestien zeventien achttien negentien',
  tens: ['twintig', 'dertig', 'veertig', 'vijftig', 'zestig', 'zeventig', 'tachtig', 'negentig'],
  join: (ten, unit) => [`${unit}${unit.endsWith('e') ? 'ën' : 'en'}${ten}`, `${unit}en${ten}`],
  hundreds: { honderd: 100 }, scales: { duizend: 1e3, miljoen: 1e6, miljard: 1e9 }, joiners: 'en', articles: 'een', compounds: true,
  ordinals: { eerste: 1, derde: 3, achtste: 8 },
  ordinal: (form, value) => value < 20 ? [`${form}de`] : [`${form}ste`],
  ordinalSuffixes: 'e de ste',
};

const fr: NumberGrammar = {
  units: 'zéro|zero un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize dix_sept dix_huit dix_neuf',
  tens: ['vingt', 'trente', 'quarante', 'cinquante', 'soixante', 'septante', 'huitante|octante', 'nonante'],
  join: (ten, unit, value) => value === 1 || value === 11 ? [`${ten} et ${unit}`, `${ten} ${unit}`] : [`${ten} ${unit}`],
  countsToNineteen: [60],
  extra: { 'quatre vingt': 80, 'quatre vingts': 80, ...numbered('un|une deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize dix_sept dix_huit dix_neuf', 81, 'quatre vingt ') },
  hundreds: { cent: 100, cents: 100 }, scales: { mille: 1e3, million: 1e6, millions: 1e6, milliard: 1e9, milliards: 1e9 }, joiners: '', articles: 'un une',
  ordinals: { premier: 1, 'première': 1, premiere: 1, second: 2, seconde: 2, 'cinquième': 5, 'neuvième': 9 },
  ordinal: (form) => [`${form.replace(/e$/, '')}ième`, `${form.replace(/e$/, '')}ieme`],
  ordinalSuffixes: 'er re e ème eme ième nd nde',
};

const es: NumberGrammar = {
  units: 'cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis|dieciseis diecisiete dieciocho diecinueve',
  tens: ['veinte', 'treinta', 'cuarenta', 'cincuenta', 'sesenta', 'setenta', 'ochenta', 'noventa'],
  join: (ten, unit) => [`${ten} y ${unit}`],
  extra: { ...numbered('veintiuno|veintiún|veintiun|veintiuna veintidós|veintidos veintitrés|veintitres veinticuatro veinticinco veintiséis|veintiseis veintisiete veintiocho veintinueve', 21) },
  hundreds: { cien: 100, ciento: 100, doscientos: 200, doscientas: 200, trescientos: 300, trescientas: 300, cuatrocientos: 400, quinientos: 500, seiscientos: 600, setecientos: 700, ochocientos: 800, novecientos: 900 },
  scales: { mil: 1e3, 'millón': 1e6, millon: 1e6, millones: 1e6 }, joiners: '', articles: 'un una',
  ordinals: { ...numbered('primero|primera|primer segundo|segunda tercero|tercera|tercer cuarto|cuarta quinto|quinta sexto|sexta séptimo|séptima octavo|octava noveno|novena décimo|décima') },
  ordinalSuffixes: 'o a er ero era ª º',
};

const it: NumberGrammar = {
  units: 'zero uno due tre quattro cinque sei sette otto nove dieci undici dodici tredici quattordici quindici sedici diciassette diciotto diciannove',
  tens: ['venti', 'trenta', 'quaranta', 'cinquanta', 'sessanta', 'settanta', 'ottanta', 'novanta'],
  join: (ten, unit, value) => value === 1 || value === 8 ? [`${ten.slice(0, -1)}${unit}`, ...value === 1 ? [`${ten.slice(0, -1)}un`] : []] : value === 3 ? [`${ten}tre`, `${ten}tré`] : [`${ten}${unit}`],
  hundreds: { cento: 100 }, scales: { mille: 1e3, mila: 1e3, milione: 1e6, milioni: 1e6, miliardo: 1e9, miliardi: 1e9 }, joiners: 'e', articles: 'un una', compounds: true,
  ordinals: { ...numbered('primo|prima secondo|seconda terzo|terza quarto|quarta quinto|quinta sesto|sesta settimo|settima ottavo|ottava nono|nona decimo|decima') },
  ordinal: (form, value) => value > 10 ? [`${form.slice(0, -1)}esimo`, `${form.slice(0, -1)}esima`] : [],
  ordinalSuffixes: 'o a ª º',
};

const pt: NumberGrammar = {
  units: 'zero um dois|duas três|tres quatro cinco seis sete oito nove dez onze doze treze catorze|quatorze quinze dezesseis|dezasseis dezessete|dezassete dezoito dezenove|dezanove',
  tens: ['vinte', 'trinta', 'quarenta', 'cinquenta', 'sessenta', 'setenta', 'oitenta', 'noventa'],
  join: (ten, unit) => [`${ten} e ${unit}`],
  hundreds: { cem: 100, cento: 100, duzentos: 200, duzentas: 200, trezentos: 300, quatrocentos: 400, quinhentos: 500, seiscentos: 600, setecentos: 700, oitocentos: 800, novecentos: 900 },
  scales: { mil: 1e3, 'milhão': 1e6, 'milhões': 1e6 }, joiners: 'e', articles: 'um uma',
  ordinals: { ...numbered('primeiro|primeira segundo|segunda terceiro|terceira quarto|quarta quinto|quinta sexto|sexta sétimo|sétima oitavo|oitava nono|nona décimo|décima') },
  ordinalSuffixes: 'o a ª º',
};

export const GRAMMARS: Readonly<Record<string, NumberGrammar | undefined>> = { en, de, nl, fr, es, it, pt };
