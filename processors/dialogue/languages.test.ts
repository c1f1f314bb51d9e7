/** Yes, no, cancel, correction, negation and "and …?" in the languages of bots: each by its own small bot, without any word of English in what people say. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CUE_KINDS, CUE_LANGUAGES, cuesOf } from '../bot/cues.js';
import type { Bot } from '../bot/index.js';
import { botOf, head } from '../bot/testing.js';
import { phrases } from './phrases.js';
import { Talk } from './testing.js';

interface Words { readonly language: string; readonly days: readonly [string, string, string]; readonly places: readonly [string, string]; readonly introducedBy: readonly string[] }

/** A table for a day (three values), at a place (two), under a name: with a question whether it is right. */
function botIn({ language, days, places, introducedBy }: Words): Bot {
  return botOf({
    'bot.yaml': `${head('  ask_day: day?\n  ask_place: place?\n  ask_name: name?\n  sure: "{day}/{place}/{name}?"\n  yes: YES\n  no: NO\n  noted: NOTED\n  dropped: DROPPED\n  hours: HOURS\n')}corrected: noted\ncancelled: dropped\n`.replace('format: 1', `format: 1\nlanguage: ${language}`),
    'f.yaml': `
intents:
  book: {examples: [b1, b2, b3, b4, b5]}
  hours: {examples: [h1, h2, h3, h4, h5]}
entities:
  day: {values: {D1: ["${days[0]}"], D2: ["${days[1]}"], D3: ["${days[2]}"]}}
  place: {values: {P1: ["${places[0]}"], P2: ["${places[1]}"]}}
slots:
  day: {entity: day, ask: ask_day}
  place: {entity: place, ask: ask_place}
  name: {ask: ask_name, introducedBy: ${JSON.stringify(introducedBy)}}
  hours_day: {entity: day, ask: ask_day}
flows:
  book: {on: book, do: [{ask: day}, {ask: place}, {ask: name}, {confirm: {say: sure, yes: [{say: yes}], no: [{say: no}]}}]}
  hours: {on: hours, carry: hours_day, do: [{ask: hours_day}, {say: hours}]}
`,
  });
}

interface Sayings {
  readonly yes: readonly string[];
  readonly no: readonly string[];
  readonly cancel: readonly string[];
  /** Where day and place are the first ones: the day becomes the second. */
  readonly day2: readonly string[];
  /** Where the day is the first: takes it away without another. */
  readonly notDay1: readonly string[];
  /** At the question for the day: it becomes the second, not the first. */
  readonly not1But2: readonly string[];
  /** The name becomes the one named here. */
  readonly name: readonly (readonly [string, string])[];
  /** After the hours of the first day: of the second. */
  readonly also2: readonly string[];
}

const LANGUAGES: readonly (readonly [Words, Sayings])[] = [
  [{ language: 'de', days: ['Montag', 'Dienstag', 'Freitag'], places: ['Terrasse', 'Saal'], introducedBy: ['ich heiße', 'mein Name ist'] }, {
    yes: ['ja', 'Ja bitte!', 'genau', 'passt', 'klar, gerne'], no: ['nein', 'Nein danke', 'stimmt nicht', 'nö'], cancel: ['abbrechen', 'Vergiss es', 'lassen wir das', 'Stopp!'],
    day2: ['nein, ich meinte Dienstag', 'doch lieber am Dienstag', 'Entschuldigung, Dienstag', 'nicht Montag, sondern Dienstag', 'am Montag geht nicht, lieber am Dienstag', 'Montag passt nicht, Dienstag'],
    notDay1: ['nicht am Montag', 'Montag geht nicht', 'am Montag nicht'], not1But2: ['nicht am Montag, sondern am Dienstag', 'Dienstag, nicht Montag', 'Montag nicht, Dienstag'],
    name: [['nein, ich heiße Anna', 'Anna'], ['Mein Name ist Anna Lee', 'Anna Lee'], ['nein, ich meinte Anna', 'Anna']], also2: ['und am Dienstag?', 'was ist mit Dienstag?', 'und Dienstag'],
  }],
  [{ language: 'es', days: ['lunes', 'martes', 'viernes'], places: ['terraza', 'sala'], introducedBy: ['me llamo', 'mi nombre es'] }, {
    yes: ['sí', 'Sí, claro', 'vale', 'por supuesto', 'así es'], no: ['no', 'No, gracias', 'para nada'], cancel: ['cancelar', 'Olvídalo', 'déjalo', 'ya no quiero'],
    day2: ['no, quería decir el martes', 'mejor el martes', 'perdón, el martes', 'no el lunes, sino el martes', 'el lunes no puedo, el martes'],
    notDay1: ['el lunes no', 'no el lunes', 'el lunes no puedo'], not1But2: ['no el lunes, el martes', 'el martes, no el lunes', 'el lunes no, el martes'],
    name: [['no, me llamo Ana', 'Ana'], ['mi nombre es Ana Ruiz', 'Ana Ruiz'], ['quise decir Ana', 'Ana']], also2: ['¿y el martes?', '¿qué tal el martes?'],
  }],
  [{ language: 'fr', days: ['lundi', 'mardi', 'vendredi'], places: ['terrasse', 'salle'], introducedBy: ["je m'appelle", 'mon nom est'] }, {
    yes: ['oui', "d'accord", 'bien sûr', "c'est ça"], no: ['non', 'non merci', 'pas du tout'], cancel: ['annuler', 'laissez tomber', 'oubliez ça', 'stop'],
    day2: ['non, je voulais dire mardi', 'plutôt mardi', 'pardon, mardi', 'pas lundi, mardi', 'lundi ne va pas, mardi', 'en fait, mardi'],
    notDay1: ['pas lundi', 'lundi ne va pas', 'lundi, c’est impossible'.replace(', c’est', '')], not1But2: ['pas lundi, mardi', 'mardi, pas lundi', 'lundi non, mardi'],
    name: [["non, je m'appelle Anne", 'Anne'], ['Mon nom est Anne Roy', 'Anne Roy'], ['je voulais dire Anne', 'Anne']], also2: ['et mardi ?', 'et pour mardi ?'],
  }],
  [{ language: 'ja', days: ['月曜日', '火曜日', '金曜日'], places: ['テラス', '個室'], introducedBy: ['私の名前は', '名前は'] }, {
    yes: ['はい', 'はい、お願いします', 'そうです', '大丈夫です'], no: ['いいえ', 'いや、違います', '違います'], cancel: ['キャンセル', 'やめます', 'もういいです', 'やっぱりやめます'],
    day2: ['いいえ、火曜日です', 'やっぱり火曜日にしてください', 'すみません、火曜日', '月曜日じゃなくて火曜日', '月曜日ではなく火曜日にしてください', '月曜日はだめ、火曜日で'],
    notDay1: ['月曜日はダメ', '月曜日じゃない', '月曜日以外'], not1But2: ['月曜日ではなくて火曜日', '火曜日、月曜日じゃない', '月曜日は無理、火曜日で'],
    name: [['いいえ、名前は田中です', '田中'], ['私の名前は田中花子です。', '田中花子']], also2: ['火曜日は？', 'では火曜日は？', 'じゃあ、火曜日'],
  }],
  [{ language: 'ar', days: ['الاثنين', 'الثلاثاء', 'الجمعة'], places: ['الشرفة', 'القاعة'], introducedBy: ['اسمي', 'أنا اسمي'] }, {
    yes: ['نعم', 'طبعا', 'صحيح', 'أكيد، تمام'], no: ['لا', 'لا شكرا', 'غير صحيح'], cancel: ['إلغاء', 'غيرت رأيي', 'انس الأمر'],
    day2: ['لا، أقصد الثلاثاء', 'عفوا، الثلاثاء', 'ليس الاثنين بل الثلاثاء', 'الاثنين لا يناسبني، الثلاثاء'],
    notDay1: ['ليس الاثنين', 'الاثنين لا يناسبني', 'مش يوم الاثنين'], not1But2: ['ليس الاثنين، الثلاثاء', 'الثلاثاء، ليس الاثنين'],
    name: [['لا، اسمي ليلى', 'ليلى'], ['اسمي ليلى حسن', 'ليلى حسن']], also2: ['ماذا عن الثلاثاء؟', 'وماذا عن الثلاثاء؟'],
  }],
];

for (const [words, sayings] of LANGUAGES) {
  const bot = botIn(words);
  const [day1, day2] = words.days;
  const [place1] = words.places;
  const begun = (): Talk => { const talk = new Talk(bot); assert.deepEqual(talk.say('b1', { intent: 'book' }), ['day?']); return talk; };
  const asked = (): Talk => { const talk = begun(); talk.say(`${day1}`); talk.say(`${place1}`); assert.deepEqual(talk.say('X Y'), ['D1/P1/X Y?']); return talk; };

  test(`${words.language}: yes and no answer a question, and a wish to stop ends it`, () => {
    for (const said of sayings.yes) assert.deepEqual(asked().say(said), ['YES'], said);
    for (const said of sayings.no) assert.deepEqual(asked().say(said), ['NO'], said);
    for (const said of sayings.cancel) { assert.deepEqual(asked().say(said), ['DROPPED'], said); assert.deepEqual(begun().say(said), ['DROPPED'], said); }
  });

  test(`${words.language}: what was said is put right`, () => {
    for (const said of sayings.day2) {
      const talk = asked();
      assert.deepEqual(talk.say(said).at(-1), 'D2/P1/X Y?', said);
      const early = begun();
      early.say(day1);
      assert.deepEqual([early.say(said).at(-1), early.slot('day')], ['place?', 'D2'], said);
    }
    for (const [said, name] of sayings.name) assert.deepEqual(asked().say(said), ['NOTED', `D1/P1/${name}?`], said);
  });

  test(`${words.language}: what shall not be fills nothing and is taken out`, () => {
    for (const said of sayings.notDay1) {
      assert.deepEqual(begun().say(said), ['day?'], said);
      const talk = asked();
      assert.deepEqual([talk.say(said), talk.slot('day')], [['day?'], undefined], said);
    }
    for (const said of sayings.not1But2) { const talk = begun(); assert.deepEqual([talk.say(said), talk.slot('day')], [['place?'], 'D2'], said); }
  });

  test(`${words.language}: one more of the same`, () => {
    for (const said of sayings.also2) {
      const talk = new Talk(bot);
      talk.say('h1', { intent: 'hours' });
      assert.deepEqual(talk.say(day1), ['HOURS']);
      assert.deepEqual([talk.say(said), talk.slot('hours_day')], [['HOURS'], 'D2'], said);
      assert.ok(talk.say(day2).length > 0);
    }
  });
}

test('every language has words of every kind, and none of them is empty or stands there twice', () => {
  for (const language of CUE_LANGUAGES) {
    const cues = cuesOf([language]);
    for (const kind of CUE_KINDS) {
      assert.ok(cues[kind].length > 0, `${language} ${kind}`);
      for (const phrase of cues[kind]) assert.equal([...phrases([phrase])].length, 1, `${language} ${kind} "${phrase}"`);
    }
  }
});

test('a bot of several languages has the words of all; its own take the place of a kind', () => {
  const both = cuesOf(['de', 'pt-BR']);
  assert.ok(both.affirm.includes('ja') && both.affirm.includes('sim') && !both.affirm.includes('yes'));
  assert.deepEqual([cuesOf(['de'], { deny: ['niemals'] }).deny, cuesOf(['xx']).affirm], [['niemals'], []]);
});
