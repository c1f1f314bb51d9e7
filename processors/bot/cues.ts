/**
 * Cue words: what marks a correction, a negation, a wish to stop, or one more of the same, whatever the bot is about. A bot
 * may give its own under `words`; what it does not give comes from its languages here. Written folded (text.ts).
 */

export const CUE_KINDS = ['affirm', 'deny', 'cancel', 'correct', 'not', 'unfit', 'also', 'is'] as const;
export type CueKind = (typeof CUE_KINDS)[number];

/**
 * Phrases by kind. `affirm`, `deny` and `cancel` are whole messages or their beginning; the others stand beside what they mark:
 * `not` before a value, `unfit` behind it, `is` between the name of something and its value ("my name is Ann").
 */
export type Cues = Readonly<Record<CueKind, readonly string[]>>;

const WORDS: Readonly<Record<string, Cues>> = {
  en: {
    affirm: ['yes', 'yeah', 'yep', 'yup', 'y', 'sure', 'ok', 'okay', 'of course', 'please do', 'go ahead', 'correct', 'right', 'exactly', 'absolutely', 'definitely', "that's right", 'sounds good'],
    deny: ['no', 'nope', 'nah', 'n', 'no thanks', 'no thank you', 'not now', 'rather not', 'wrong', "that's wrong", 'please don\'t', "don't", 'not at all'],
    cancel: ['cancel', 'stop', 'never mind', 'nevermind', 'forget it', 'forget about it', 'abort', 'quit', "i don't want", 'i do not want', "i don't want to", 'i no longer want', "i changed my mind", "i've changed my mind"],
    correct: ['i meant', 'i mean', 'i said', 'actually', 'sorry', 'oops', 'wait', 'rather', 'instead', 'make it', 'make that', 'change it to', 'change that to', 'scratch that', 'correction', 'on second thought', 'on second thoughts'],
    not: ['not', 'never', "don't", "doesn't", "isn't", "won't", "can't", 'cannot', 'except', 'without', 'anything but'],
    unfit: ["doesn't work", 'does not work', "won't work", 'will not work', "isn't possible", 'is not possible', "isn't good", 'is no good', 'is bad', 'is wrong', 'is out', "doesn't suit", 'does not suit', 'was wrong', 'not possible'],
    also: ['and', 'what about', 'how about', 'and what about', 'and how about', 'same for', 'and for', 'also'],
    is: ['is', 'it is', "it's", 'its', 'that is', "that's", 'this is', "i'm", 'i am', 'call me', 'should be', 'must be', 'to'],
  },
  de: {
    affirm: ['ja', 'jawohl', 'jo', 'klar', 'gern', 'gerne', 'ok', 'okay', 'richtig', 'genau', 'stimmt', 'natürlich', 'bitte', 'passt', 'ja bitte', 'sicher', 'in ordnung'],
    deny: ['nein', 'nee', 'nö', 'ne', 'lieber nicht', 'falsch', 'nein danke', 'stimmt nicht', 'auf keinen fall', 'das ist falsch', 'das stimmt nicht'],
    cancel: ['abbrechen', 'abbruch', 'stopp', 'stop', 'vergiss es', 'vergessen sie es', 'egal', 'schon gut', 'lass es', 'lassen wir das', 'brich ab', 'ich will nicht mehr', 'ich möchte nicht mehr', 'ich habe es mir anders überlegt'],
    correct: ['ich meinte', 'ich meine', 'ich wollte sagen', 'eigentlich', 'doch', 'sondern', 'lieber', 'stattdessen', 'sorry', 'entschuldigung', 'moment', 'halt', 'korrektur', 'besser', 'doch lieber', 'ich sagte'],
    not: ['nicht', 'kein', 'keine', 'keinen', 'keiner', 'nie', 'niemals', 'außer', 'ohne'],
    unfit: ['nicht', 'geht nicht', 'passt nicht', 'klappt nicht', 'passt mir nicht', 'ist schlecht', 'ist falsch', 'geht leider nicht', 'passt leider nicht', 'war falsch', 'ist nicht möglich'],
    also: ['und', 'und was ist mit', 'was ist mit', 'wie ist es mit', 'und wie ist es mit', 'wie sieht es mit', 'und für', 'auch'],
    is: ['ist', 'lautet', 'das ist', 'es ist', 'ich bin', 'ich heiße', 'ich heisse', 'bin'],
  },
  fr: {
    affirm: ['oui', 'ouais', "d'accord", 'bien sûr', 'ok', 'okay', 'exactement', 'correct', 'tout à fait', 'volontiers', "c'est ça", "c'est exact", 'oui merci'],
    deny: ['non', 'non merci', 'pas maintenant', 'faux', 'plutôt pas', 'pas du tout', "ce n'est pas ça", "c'est faux"],
    cancel: ['annuler', 'annule', 'annulez', 'stop', 'laisse tomber', 'laissez tomber', 'oublie', 'oubliez', 'arrête', 'arrêtez', 'oubliez ça', 'oublie ça', 'je ne veux plus', "j'ai changé d'avis"],
    correct: ['je voulais dire', 'je veux dire', "j'ai dit", 'en fait', 'plutôt', 'pardon', 'désolé', 'désolée', 'non pas', 'attends', 'attendez', 'finalement', 'mais', 'correction'],
    not: ['pas', 'jamais', 'sauf', 'sans', 'aucun', 'aucune'],
    unfit: ['ne va pas', 'ne marche pas', 'ne convient pas', 'ne me convient pas', 'ne me va pas', "n'est pas possible", "ce n'est pas possible", 'impossible', 'non'],
    also: ['et', 'et pour', 'et alors', 'aussi', "qu'en est-il de"],
    is: ['est', "c'est", 'je suis', "je m'appelle", 'sera', "m'appelle"],
  },
  es: {
    affirm: ['sí', 'si', 'claro', 'vale', 'ok', 'por supuesto', 'correcto', 'exacto', 'de acuerdo', 'bueno', 'así es', 'eso es'],
    deny: ['no', 'no gracias', 'ahora no', 'mejor no', 'incorrecto', 'para nada', 'no es correcto', 'está mal'],
    cancel: ['cancelar', 'cancela', 'cancelalo', 'cancélalo', 'para', 'parar', 'olvídalo', 'olvidalo', 'déjalo', 'dejalo', 'stop', 'ya no quiero', 'he cambiado de opinión', 'no importa'],
    correct: ['quise decir', 'quería decir', 'quiero decir', 'he dicho', 'en realidad', 'mejor', 'perdón', 'perdona', 'sino', 'espera', 'más bien', 'corrección'],
    not: ['no', 'nunca', 'excepto', 'menos', 'sin', 'tampoco'],
    unfit: ['no puedo', 'no puede ser', 'no me viene bien', 'no me va bien', 'no va bien', 'no es posible', 'está mal', 'imposible', 'no'],
    also: ['y', 'y para', 'y qué tal', 'qué tal', 'y si', 'también'],
    is: ['es', 'soy', 'me llamo', 'será', 'llamo'],
  },
  it: {
    affirm: ['sì', 'si', 'certo', 'ok', 'va bene', 'esatto', 'giusto', "d'accordo", 'volentieri'],
    deny: ['no', 'no grazie', 'non ora', 'meglio di no', 'sbagliato', 'per niente'],
    cancel: ['annulla', 'annullare', 'basta', 'lascia stare', 'lascia perdere', 'dimentica', 'stop', 'ferma', 'non voglio più', 'ho cambiato idea'],
    correct: ['volevo dire', 'voglio dire', 'intendevo', 'in realtà', 'anzi', 'piuttosto', 'scusa', 'scusi', 'aspetta', 'invece'],
    not: ['non', 'mai', 'tranne', 'senza', 'nessun', 'nessuna'],
    unfit: ['non va bene', 'non posso', 'non è possibile', 'non mi va bene', 'impossibile', 'è sbagliato', 'no'],
    also: ['e', 'e per', 'anche', 'che ne dici di'],
    is: ['è', 'sono', 'mi chiamo', 'sarà', 'chiamo'],
  },
  nl: {
    affirm: ['ja', 'jazeker', 'zeker', 'ok', 'oké', 'prima', 'klopt', 'juist', 'graag', 'natuurlijk'],
    deny: ['nee', 'nee bedankt', 'liever niet', 'niet nu', 'fout', 'klopt niet'],
    cancel: ['annuleren', 'annuleer', 'stop', 'laat maar', 'vergeet het', 'ophouden', 'ik wil niet meer'],
    correct: ['ik bedoelde', 'ik bedoel', 'eigenlijk', 'liever', 'sorry', 'wacht', 'in plaats daarvan', 'maar', 'toch'],
    not: ['niet', 'geen', 'nooit', 'behalve', 'zonder'],
    unfit: ['niet', 'kan niet', 'lukt niet', 'past niet', 'komt niet uit', 'is niet mogelijk', 'is fout'],
    also: ['en', 'en voor', 'hoe zit het met', 'ook'],
    is: ['is', 'het is', 'dat is', 'ik ben', 'ik heet', 'heet'],
  },
  pt: {
    affirm: ['sim', 'claro', 'ok', 'certo', 'com certeza', 'exato', 'pode ser'],
    deny: ['não', 'nao', 'não obrigado', 'não obrigada', 'agora não', 'errado', 'melhor não'],
    cancel: ['cancelar', 'cancela', 'para', 'parar', 'esquece', 'deixa pra lá', 'stop', 'não quero mais', 'mudei de ideia'],
    correct: ['quis dizer', 'queria dizer', 'quero dizer', 'na verdade', 'desculpa', 'desculpe', 'aliás', 'melhor', 'espera', 'em vez disso'],
    not: ['não', 'nao', 'nunca', 'exceto', 'menos', 'sem'],
    unfit: ['não dá', 'não posso', 'não é possível', 'está errado', 'não serve', 'não'],
    also: ['e', 'e para', 'que tal', 'também'],
    is: ['é', 'sou', 'me chamo', 'será', 'chamo'],
  },
  id: {
    affirm: ['ya', 'iya', 'oke', 'ok', 'betul', 'benar', 'tentu', 'boleh', 'setuju'],
    deny: ['tidak', 'nggak', 'enggak', 'tidak usah', 'jangan', 'salah', 'tidak terima kasih'],
    cancel: ['batal', 'batalkan', 'berhenti', 'stop', 'lupakan', 'tidak jadi', 'sudahlah'],
    correct: ['maksud saya', 'maksudku', 'sebenarnya', 'maaf', 'tunggu', 'melainkan', 'saja'],
    not: ['tidak', 'bukan', 'jangan', 'kecuali', 'tanpa'],
    unfit: ['tidak bisa', 'nggak bisa', 'salah'],
    also: ['dan', 'bagaimana dengan', 'kalau', 'juga'],
    is: ['adalah', 'ialah', 'yaitu', 'saya'],
  },
  ja: {
    affirm: ['はい', 'ええ', 'うん', 'そうです', 'お願いします', 'いいです', 'いいですよ', '大丈夫です', '了解', 'オーケー', 'ok', 'その通り', '正しいです'],
    deny: ['いいえ', 'いや', 'いえ', '違います', '違う', '結構です', 'ダメ', 'だめ', '間違いです'],
    cancel: ['キャンセル', 'キャンセルして', 'やめます', 'やめて', 'やめる', '中止', 'もういい', 'もういいです', '忘れて', 'やっぱりやめます', '取り消し'],
    correct: ['やっぱり', 'やはり', 'すみません', 'ごめん', '間違えました', '訂正', 'ではなくて', 'じゃなくて', 'ではなく', '代わりに', '変更して'],
    not: ['以外'],
    unfit: ['ではなくて', 'じゃなくて', 'ではなく', 'じゃなく', 'ではありません', 'じゃありません', 'じゃない', 'ではない', 'はだめ', 'はダメ', 'は無理', 'は違います', '以外'],
    also: ['それと', 'あと', 'では', 'じゃあ', 'それから'],
    is: ['は', 'が', 'と申します', 'です'],
  },
  zh: {
    affirm: ['是', '是的', '对', '好', '好的', '可以', '没错', '行', '嗯', '确定', 'ok', '當然', '当然'],
    deny: ['不是', '不对', '不要', '不用', '不行', '错了', '没有', '不用了'],
    cancel: ['取消', '算了', '停', '停止', '不要了', '别弄了', '忘了吧', '我不想要了'],
    correct: ['我是说', '我的意思是', '其实', '抱歉', '对不起', '说错了', '改成', '换成', '而是', '应该是', '等一下'],
    not: ['不', '不是', '不要', '除了', '别', '不想'],
    unfit: ['不行', '不可以', '不方便', '不对', '不合适'],
    also: ['那', '还有', '那么', '和', '呢'],
    is: ['是', '叫', '我叫', '为'],
  },
  ko: {
    affirm: ['네', '예', '응', '맞아요', '맞습니다', '좋아요', '그래요', '물론', '물론이죠', 'ok'],
    deny: ['아니요', '아니오', '아니', '틀려요', '틀렸어요', '괜찮아요', '싫어요'],
    cancel: ['취소', '취소해', '취소해주세요', '그만', '됐어요', '됐어', '그만둘래요', '중지'],
    correct: ['아니라', '말고', '사실', '죄송해요', '미안', '잠깐', '잠깐만요', '정정'],
    not: ['안', '못'],
    unfit: ['말고', '아니라', '아니고', '빼고', '제외하고', '안 돼요', '안돼요', '아니에요'],
    also: ['그리고', '그럼', '또'],
    is: ['제 이름은', '이름은', '은', '는'],
  },
  ar: {
    affirm: ['نعم', 'أجل', 'ايوه', 'أيوه', 'حسنا', 'حسنًا', 'موافق', 'طبعا', 'طبعًا', 'صحيح', 'تمام', 'بالتأكيد', 'أكيد'],
    deny: ['لا', 'كلا', 'لا شكرا', 'لا شكرًا', 'خطأ', 'غير صحيح', 'ليس صحيحا'],
    cancel: ['إلغاء', 'الغاء', 'ألغ', 'ألغي', 'توقف', 'انس الأمر', 'انسى الأمر', 'لا يهم', 'لا أريد', 'غيرت رأيي'],
    correct: ['أقصد', 'اقصد', 'كنت أقصد', 'قصدت', 'أعني', 'عفوا', 'عفوًا', 'آسف', 'آسفة', 'بل', 'في الواقع', 'بدلا من ذلك', 'لحظة'],
    not: ['ليس', 'ليست', 'لا', 'مش', 'غير', 'ما عدا', 'إلا', 'بدون'],
    unfit: ['لا يناسبني', 'غير مناسب', 'لا يصلح', 'غير ممكن', 'مستحيل'],
    also: ['و', 'ماذا عن', 'وماذا عن', 'أيضا', 'أيضًا'],
    is: ['هو', 'هي', 'اسمي', 'أنا'],
  },
  ru: {
    affirm: ['да', 'ага', 'конечно', 'хорошо', 'ок', 'верно', 'правильно', 'точно', 'давайте', 'именно'],
    deny: ['нет', 'не', 'неверно', 'неправильно', 'не надо', 'нет спасибо', 'не сейчас'],
    cancel: ['отмена', 'отменить', 'отмени', 'стоп', 'забудь', 'забудьте', 'хватит', 'неважно', 'не надо', 'я передумал', 'я передумала', 'я больше не хочу'],
    correct: ['я имел в виду', 'я имела в виду', 'точнее', 'вернее', 'на самом деле', 'извините', 'простите', 'а', 'лучше', 'вместо этого', 'подождите'],
    not: ['не', 'никогда', 'кроме', 'без'],
    unfit: ['не подходит', 'не подойдёт', 'не подойдет', 'не могу', 'невозможно', 'неверно'],
    also: ['и', 'а', 'а если', 'а как насчёт', 'а как насчет', 'также'],
    is: ['это', 'меня зовут', 'зовут', 'будет'],
  },
  pl: {
    affirm: ['tak', 'jasne', 'oczywiście', 'dobrze', 'ok', 'zgadza się', 'pewnie', 'dokładnie'],
    deny: ['nie', 'nie dziękuję', 'źle', 'nie teraz', 'to nieprawda', 'raczej nie'],
    cancel: ['anuluj', 'anulować', 'stop', 'nieważne', 'zapomnij', 'przestań', 'rezygnuję', 'już nie chcę'],
    correct: ['miałem na myśli', 'miałam na myśli', 'chodziło mi o', 'właściwie', 'przepraszam', 'raczej', 'jednak', 'tylko', 'lepiej', 'czekaj', 'zamiast tego'],
    not: ['nie', 'nigdy', 'oprócz', 'bez'],
    unfit: ['nie pasuje', 'nie pasuje mi', 'odpada', 'jest niemożliwe', 'nie'],
    also: ['i', 'a', 'a co z', 'a może', 'także'],
    is: ['to', 'jest', 'nazywam się', 'mam na imię'],
  },
  tr: {
    affirm: ['evet', 'tamam', 'tabii', 'tabi', 'olur', 'doğru', 'kesinlikle', 'aynen', 'elbette'],
    deny: ['hayır', 'yok', 'olmaz', 'yanlış', 'istemiyorum', 'hayır teşekkürler', 'şimdi değil'],
    cancel: ['iptal', 'iptal et', 'vazgeçtim', 'boşver', 'dur', 'unut gitsin', 'bırak', 'artık istemiyorum'],
    correct: ['demek istedim', 'yani', 'aslında', 'pardon', 'özür dilerim', 'bekle', 'onun yerine', 'daha doğrusu'],
    not: ['hariç'],
    unfit: ['değil', 'olmaz', 'uymaz', 'bana uymaz', 'hariç', 'mümkün değil'],
    also: ['ve', 'peki', 'peki ya', 'ya', 'ayrıca'],
    is: ['benim adım', 'adım', 'ismim'],
  },
  sv: {
    affirm: ['ja', 'japp', 'visst', 'självklart', 'ok', 'okej', 'precis', 'rätt', 'gärna', 'stämmer'],
    deny: ['nej', 'nej tack', 'fel', 'inte nu', 'hellre inte', 'stämmer inte'],
    cancel: ['avbryt', 'stopp', 'stop', 'glöm det', 'strunt i det', 'sluta', 'jag vill inte längre', 'jag har ändrat mig'],
    correct: ['jag menade', 'jag menar', 'egentligen', 'förlåt', 'ursäkta', 'vänta', 'hellre', 'istället', 'i stället', 'utan'],
    not: ['inte', 'ingen', 'inget', 'aldrig', 'utom', 'utan'],
    unfit: ['inte', 'går inte', 'funkar inte', 'passar inte', 'är fel'],
    also: ['och', 'och hur är det med', 'hur är det med', 'även', 'också'],
    is: ['är', 'det är', 'jag heter', 'heter', 'jag är'],
  },
};

const NONE: Cues = { affirm: [], deny: [], cancel: [], correct: [], not: [], unfit: [], also: [], is: [] };

/** Languages that have words of their own here. */
export const CUE_LANGUAGES: readonly string[] = Object.keys(WORDS);

/** The words of these languages (BCP 47); `own` take the place of a kind's. */
export function cuesOf(languages: readonly string[], own: Partial<Cues> = {}): Cues {
  const found = { ...NONE } as Record<CueKind, readonly string[]>;
  for (const kind of CUE_KINDS) found[kind] = own[kind] ?? [...new Set(languages.flatMap((language) => WORDS[language.split('-')[0]?.toLowerCase() ?? '']?.[kind] ?? []))];
  return found;
}
