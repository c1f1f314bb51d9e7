/**
 * Cue words: what marks a correction, a negation, a wish to stop, or one more of the same, whatever the bot is about. A bot
 * may give its own under `words`; what it does not give comes from its languages here. Written folded (text.ts).
 */

export const CUE_KINDS = ['affirm', 'deny', 'cancel', 'correct', 'not', 'also'] as const;
export type CueKind = (typeof CUE_KINDS)[number];

/** Phrases by kind. `affirm`, `deny` and `cancel` are whole messages or their beginning; the others stand beside what they mark. */
export type Cues = Readonly<Record<CueKind, readonly string[]>>;

const WORDS: Readonly<Record<string, Cues>> = {
  en: {
    affirm: ['yes', 'yeah', 'yep', 'yup', 'y', 'sure', 'ok', 'okay', 'of course', 'please do', 'go ahead', 'correct', 'right', 'exactly', 'absolutely', 'definitely', "that's right", 'sounds good'],
    deny: ['no', 'nope', 'nah', 'n', 'no thanks', 'no thank you', 'not now', 'rather not', 'wrong', "that's wrong", 'please don\'t', "don't", 'not at all'],
    cancel: ['cancel', 'stop', 'never mind', 'nevermind', 'forget it', 'abort', 'quit'],
    correct: ['i meant', 'i mean', 'i said', 'actually', 'sorry', 'oops', 'wait', 'rather', 'instead', 'make it', 'make that', 'change it to', 'change that to', 'scratch that', 'correction', 'on second thought', 'on second thoughts'],
    not: ['not', 'never', "don't", "doesn't", "isn't", "won't", "can't", 'cannot', 'except', 'without', 'anything but'],
    also: ['and', 'what about', 'how about', 'and what about', 'and how about', 'same for', 'and for', 'also'],
  },
  de: {
    affirm: ['ja', 'jawohl', 'jo', 'klar', 'gern', 'gerne', 'ok', 'okay', 'richtig', 'genau', 'stimmt', 'natürlich', 'bitte', 'passt', 'ja bitte'],
    deny: ['nein', 'nee', 'nö', 'ne', 'lieber nicht', 'falsch', 'nein danke', 'stimmt nicht', 'auf keinen fall'],
    cancel: ['abbrechen', 'abbruch', 'stopp', 'stop', 'vergiss es', 'vergessen sie es', 'egal', 'schon gut', 'lass es'],
    correct: ['ich meinte', 'ich meine', 'ich wollte sagen', 'eigentlich', 'doch', 'sondern', 'lieber', 'stattdessen', 'sorry', 'entschuldigung', 'moment', 'halt', 'korrektur', 'besser'],
    not: ['nicht', 'kein', 'keine', 'keinen', 'keiner', 'nie', 'niemals', 'außer', 'ohne'],
    also: ['und', 'und was ist mit', 'was ist mit', 'wie ist es mit', 'und wie ist es mit', 'und für', 'auch'],
  },
  fr: {
    affirm: ['oui', 'ouais', "d'accord", 'bien sûr', 'ok', 'okay', 'exactement', 'correct', 'tout à fait', 'volontiers'],
    deny: ['non', 'non merci', 'pas maintenant', 'faux', 'plutôt pas', 'pas du tout'],
    cancel: ['annuler', 'annule', 'annulez', 'stop', 'laisse tomber', 'laissez tomber', 'oublie', 'oubliez', 'arrête', 'arrêtez'],
    correct: ['je voulais dire', 'je veux dire', 'en fait', 'plutôt', 'pardon', 'désolé', 'désolée', 'non pas', 'attends', 'attendez'],
    not: ['pas', 'jamais', 'sauf', 'sans', 'aucun', 'aucune'],
    also: ['et', 'et pour', 'et alors', 'aussi', "qu'en est-il de"],
  },
  es: {
    affirm: ['sí', 'si', 'claro', 'vale', 'ok', 'por supuesto', 'correcto', 'exacto', 'de acuerdo', 'bueno'],
    deny: ['no', 'no gracias', 'ahora no', 'mejor no', 'incorrecto', 'para nada'],
    cancel: ['cancelar', 'cancela', 'para', 'parar', 'olvídalo', 'olvidalo', 'déjalo', 'dejalo', 'stop'],
    correct: ['quise decir', 'quería decir', 'quiero decir', 'en realidad', 'mejor', 'perdón', 'perdona', 'sino', 'espera', 'más bien'],
    not: ['no', 'nunca', 'excepto', 'menos', 'sin', 'tampoco'],
    also: ['y', 'y para', 'y qué tal', 'qué tal', 'también'],
  },
  it: {
    affirm: ['sì', 'si', 'certo', 'ok', 'va bene', 'esatto', 'giusto', "d'accordo", 'volentieri'],
    deny: ['no', 'no grazie', 'non ora', 'meglio di no', 'sbagliato', 'per niente'],
    cancel: ['annulla', 'annullare', 'basta', 'lascia stare', 'lascia perdere', 'dimentica', 'stop', 'ferma'],
    correct: ['volevo dire', 'voglio dire', 'intendevo', 'in realtà', 'anzi', 'piuttosto', 'scusa', 'scusi', 'aspetta', 'invece'],
    not: ['non', 'mai', 'tranne', 'senza', 'nessun', 'nessuna'],
    also: ['e', 'e per', 'anche', 'che ne dici di'],
  },
  nl: {
    affirm: ['ja', 'jazeker', 'zeker', 'ok', 'oké', 'prima', 'klopt', 'juist', 'graag', 'natuurlijk'],
    deny: ['nee', 'nee bedankt', 'liever niet', 'niet nu', 'fout', 'klopt niet'],
    cancel: ['annuleren', 'annuleer', 'stop', 'laat maar', 'vergeet het', 'ophouden'],
    correct: ['ik bedoelde', 'ik bedoel', 'eigenlijk', 'liever', 'sorry', 'wacht', 'in plaats daarvan', 'maar', 'toch'],
    not: ['niet', 'geen', 'nooit', 'behalve', 'zonder'],
    also: ['en', 'en voor', 'hoe zit het met', 'ook'],
  },
  pt: {
    affirm: ['sim', 'claro', 'ok', 'certo', 'com certeza', 'exato', 'pode ser'],
    deny: ['não', 'nao', 'não obrigado', 'não obrigada', 'agora não', 'errado', 'melhor não'],
    cancel: ['cancelar', 'cancela', 'para', 'parar', 'esquece', 'deixa pra lá', 'stop'],
    correct: ['quis dizer', 'queria dizer', 'quero dizer', 'na verdade', 'desculpa', 'desculpe', 'aliás', 'melhor', 'espera', 'em vez disso'],
    not: ['não', 'nao', 'nunca', 'exceto', 'menos', 'sem'],
    also: ['e', 'e para', 'que tal', 'também'],
  },
  id: {
    affirm: ['ya', 'iya', 'oke', 'ok', 'betul', 'benar', 'tentu', 'boleh', 'setuju'],
    deny: ['tidak', 'nggak', 'enggak', 'tidak usah', 'jangan', 'salah', 'tidak terima kasih'],
    cancel: ['batal', 'batalkan', 'berhenti', 'stop', 'lupakan', 'tidak jadi', 'sudahlah'],
    correct: ['maksud saya', 'maksudku', 'sebenarnya', 'maaf', 'tunggu', 'melainkan', 'saja'],
    not: ['tidak', 'bukan', 'jangan', 'kecuali', 'tanpa'],
    also: ['dan', 'bagaimana dengan', 'kalau', 'juga'],
  },
};

const NONE: Cues = { affirm: [], deny: [], cancel: [], correct: [], not: [], also: [] };

/** Languages that have words of their own here. */
export const CUE_LANGUAGES: readonly string[] = Object.keys(WORDS);

/** The words of these languages (BCP 47); `own` take the place of a kind's. */
export function cuesOf(languages: readonly string[], own: Partial<Cues> = {}): Cues {
  const found = { ...NONE } as Record<CueKind, readonly string[]>;
  for (const kind of CUE_KINDS) found[kind] = own[kind] ?? [...new Set(languages.flatMap((language) => WORDS[language.split('-')[0]?.toLowerCase() ?? '']?.[kind] ?? []))];
  return found;
}
