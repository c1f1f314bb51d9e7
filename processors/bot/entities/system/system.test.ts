import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createExtractor } from '../extractor.js';
import type { ExtractionContext } from '../found.js';
import { SYSTEM_ENTITIES, type SystemEntity } from '../../types.js';
import { offsetAt, offsetOfLocal } from './zones.js';

/** A Wednesday. */
const AT = Date.parse('2026-11-25T10:00:00Z');
const entitiesOf = (kinds: readonly SystemEntity[]) => kinds.map((system) => ({ name: system, patterns: [], values: [], system, normalise: 'none' as const }));

/** `value@surface` of what is found of one kind. */
function found(kind: SystemEntity, language: string, text: string, context: Partial<ExtractionContext> = {}): string[] {
  const extractor = createExtractor({ entities: entitiesOf([kind]), languages: [language], timeZone: 'Europe/London' });
  return extractor.extract(text, { locale: null, timeZone: null, at: AT, ...context }).map((one) => `${one.value}@${text.slice(one.start, one.end)}`);
}

type Case = readonly [kind: SystemEntity, language: string, text: string, ...expected: string[]];

const CASES: readonly Case[] = [
  ['number', 'en', 'two hundred and five parcels of 1,234.50 kg', '205@two hundred and five', '1234.5@1,234.50'],
  ['number', 'en', 'twenty-one, a dozen, -5 and 5 million or 20k', '21@twenty-one', '12@dozen', '-5@-5', '5000000@5 million', '20000@20k'],
  ['number', 'en', 'AB123456 at 10:30 on 3/4 from 192.168.1.1 of 24.12.2026'],
  ['number', 'en', 'one of a kind', '1@one'],
  ['number', 'en', '٣٤ or ３４', '34@٣٤', '34@３４'],
  ['number', 'de', '1.234,5 und 1.500 und 1,5', '1234.5@1.234,5', '1500@1.500', '1.5@1,5'],
  ['number', 'de', 'zweihundertfünfunddreißig oder tausendeinhundert', '235@zweihundertfünfunddreißig', '1100@tausendeinhundert'],
  ['number', 'de', 'ein Paket'],
  ['number', 'fr', 'quatre-vingt-dix-neuf, soixante et onze, deux cent cinq, 1 234,5', '99@quatre-vingt-dix-neuf', '71@soixante et onze', '205@deux cent cinq', '1234.5@1 234,5'],
  ['number', 'es', 'treinta y cinco de mil doscientos', '35@treinta y cinco', '1200@mil doscientos'],
  ['number', 'it', 'ventotto di duemilacinquecento', '28@ventotto', '2500@duemilacinquecento'],
  ['number', 'nl', 'tweeëntwintig', '22@tweeëntwintig'],
  ['number', 'pt', 'trinta e cinco', '35@trinta e cinco'],
  ['ordinal', 'en', 'the third of the 21st and the twenty-second', '3@third', '21@21st', '22@twenty-second'],
  ['ordinal', 'de', 'am 3. Mai die einundzwanzigste', '3@3.', '21@einundzwanzigste'],
  ['ordinal', 'fr', 'le 3ème et le premier', '3@3ème', '1@premier'],
  ['duration', 'en', 'an hour and a half, 2h30, half an hour, a fortnight', 'PT1H30M@an hour and a half', 'PT2H30M@2h30', 'PT30M@half an hour', 'P14D@a fortnight'],
  ['duration', 'en', '2 weeks and 3 days or 3 weeks or 1.5 days', 'P17D@2 weeks and 3 days', 'P3W@3 weeks', 'P1DT12H@1.5 days'],
  ['duration', 'de', 'anderthalb Stunden, eine halbe Stunde, zwei Jahre', 'PT1H30M@anderthalb Stunden', 'PT30M@eine halbe Stunde', 'P2Y@zwei Jahre'],
  ['duration', 'pl', '5 godzin', 'PT5H@5 godzin'],
  ['money', 'en-GB', '£12.50 and 20 dollars and US$ 5 million', '12.50 GBP@£12.50', '20 USD@20 dollars', '5000000 USD@US$ 5 million'],
  ['money', 'en-GB', 'five euros and 20 cents, 20p, EUR 1,234.50', '5.20 EUR@five euros and 20 cents', '0.20 GBP@20p', '1234.50 EUR@EUR 1,234.50'],
  ['money', 'en-CA', '$20', '20 CAD@$20'],
  ['money', 'de', '1.234,50 € und 5 Franken', '1234.50 EUR@1.234,50 €', '5 CHF@5 Franken'],
  ['money', 'ja', '500円', '500 JPY@500円'],
  ['money', 'pl', '20 złotych', '20 PLN@20 złotych'],
  ['date', 'en', 'tomorrow at 5 pm', '2026-11-26@tomorrow'],
  ['date', 'en', 'the day after tomorrow', '2026-11-27@the day after tomorrow'],
  ['date', 'en', 'on Monday or next month or 2026-12-24', '2026-11-30@on Monday', '2026-12@next month', '2026-12-24@2026-12-24'],
  ['date', 'en', 'from Monday to Friday', '2026-11-30/2026-12-04@Monday to Friday'],
  ['date', 'en', 'may I wait two hours, for two weeks?'],
  ['date', 'en-US', '03/04', '2027-03-04@03/04'],
  ['date', 'en-GB', '03/04', '2027-04-03@03/04'],
  ['date', 'de', 'am 3. Mai', '2027-05-03@am 3. Mai'],
  ['date', 'zh', '明天下午三点', '2026-11-26@明天下午三点'],
  ['time', 'en', 'tomorrow at 5 pm', '17:00@at 5 pm'],
  ['time', 'en', 'half past six or quarter to nine pm', '06:30@half past six', '20:45@quarter to nine pm'],
  ['time', 'fr', 'demain à 15h30', '15:30@à 15h30'],
  ['datetime', 'en', 'tomorrow at 5 pm', '2026-11-26T17:00:00+00:00@tomorrow at 5 pm'],
  ['datetime', 'en', 'in an hour and a half', '2026-11-25T11:30:00+00:00@in an hour and a half'],
  ['datetime', 'en', '5 May 2027 at 17:00', '2027-05-05T17:00:00+01:00@5 May 2027 at 17:00'],
  ['email', 'en', 'Mail Ann.B+x@Example.org.', 'ann.b+x@example.org@Ann.B+x@Example.org'],
  ['url', 'en', 'see example.org/path?a=1, or (https://foo.example.com/x).', 'https://example.org/path?a=1@example.org/path?a=1', 'https://foo.example.com/x@https://foo.example.com/x'],
  ['phone', 'en-GB', 'call 020 7946 0958 or +1 202-456-1111', '+442079460958@020 7946 0958', '+12024561111@+1 202-456-1111'],
  ['phone', 'en-GB', 'my parcel PP123456789'],
];

for (const [kind, language, text, ...expected] of CASES) {
  test(`${kind} (${language}): ${text}`, () => { assert.deepEqual(found(kind, language, text), expected); });
}

test('the region of the message says how a date is written and which money and country are meant', () => {
  assert.deepEqual(found('date', 'en-US', '03/04', { locale: 'en-GB' }), ['2027-04-03@03/04']);
  assert.deepEqual(found('money', 'en-US', '$5', { locale: 'en-AU' }), ['5 AUD@$5']);
  assert.deepEqual(found('phone', 'en-US', '020 7946 0958', { locale: 'en-GB' }), ['+442079460958@020 7946 0958']);
});

test('the time zone of the message counts before that of the bot, and one that is none is passed over', () => {
  const late = { at: Date.parse('2026-11-25T23:30:00Z') };
  assert.deepEqual(found('date', 'en', 'tomorrow', late), ['2026-11-26@tomorrow']);
  assert.deepEqual(found('date', 'en', 'tomorrow', { ...late, timeZone: 'Asia/Tokyo' }), ['2026-11-27@tomorrow']);
  assert.deepEqual(found('datetime', 'en', 'tomorrow at 5 pm', { timeZone: 'America/New_York' }), ['2026-11-26T17:00:00-05:00@tomorrow at 5 pm']);
  assert.deepEqual(found('date', 'en', 'tomorrow', { ...late, timeZone: 'Nowhere/At_All' }), ['2026-11-26@tomorrow']);
});

test('a number inside of another find is none of its own', () => {
  const extractor = createExtractor({ entities: entitiesOf(['number', 'ordinal', 'time', 'date', 'money']), languages: ['en'] });
  const text = 'a table for four on the 3rd of May at half past six for 20 dollars';
  const found = extractor.extract(text, { locale: null, timeZone: null, at: AT }).map((one) => `${one.type ?? ''}=${one.value}`);
  assert.deepEqual(found, ['number=4', 'date=2027-05-03', 'time=06:30', 'money=20 USD']);
});

test('"Monday" is the last one where the bot says so', () => {
  const entities = [{ name: 'day', patterns: [], values: [], system: 'date' as const, normalise: 'none' as const, prefer: 'past' as const }];
  assert.equal(createExtractor({ entities, languages: ['en'] }).extract('since Monday', { locale: null, timeZone: null, at: AT })[0]?.value, '2026-11-23');
});

test('the zone of the machine changes nothing', () => {
  const before = process.env['TZ'];
  const read = (): string[] => ['tomorrow at 5 pm', 'in two hours', 'last Friday at noon', 'in 3 days', '5 May 2027 at 17:00'].flatMap((text) => found('datetime', 'en', text, { timeZone: 'Asia/Kolkata' }));
  try {
    process.env['TZ'] = 'UTC';
    const expected = read();
    assert.equal(expected.length, 4);
    for (const zone of ['America/New_York', 'Asia/Tokyo', 'Pacific/Auckland', 'Europe/Berlin']) { process.env['TZ'] = zone; assert.deepEqual(read(), expected, zone); }
  } finally {
    if (before === undefined) delete process.env['TZ']; else process.env['TZ'] = before;
  }
});

test('offsets of zones: summer, winter, and the hours when clocks are changed', () => {
  assert.equal(offsetAt('Europe/London', Date.parse('2026-07-01T00:00:00Z')), 60);
  assert.equal(offsetAt('Asia/Kolkata', 0), 330);
  assert.equal(offsetOfLocal('Europe/Berlin', Date.parse('2026-07-01T12:00:00Z')), 120);
  assert.equal(offsetOfLocal('Europe/Berlin', Date.parse('2026-12-01T12:00:00Z')), 60);
  // 02:30 is there twice: the first is meant.
  assert.equal(offsetOfLocal('Europe/Berlin', Date.parse('2026-10-25T02:30:00Z')), 120);
});

test('whatever locale and zone a message names, nothing throws', () => {
  const extractor = createExtractor({ entities: entitiesOf(SYSTEM_ENTITIES), languages: ['en'] });
  for (const odd of ['', 'x'.repeat(5000), 'en-', '__proto__', 'en-u-nu-arab', '\u0000', 'de_DE']) {
    assert.equal(extractor.extract('20 dollars tomorrow', { locale: odd, timeZone: odd, at: AT }).some((one) => one.type === 'money'), true, odd);
  }
});
