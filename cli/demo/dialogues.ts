/** What the five hundred say: scripts for the parcel bot, told apart by numbers, days and places. */
import type { Random } from '../../platform/random.js';
import type { Dialogue } from '../replay/dialogues.js';

interface Details { readonly number: string; readonly other: string; readonly day: string; readonly place: string; readonly city: string; readonly size: string }

const DAYS = ['tomorrow', 'on Friday', 'next week', 'on 12 May', 'Saturday'];
const PLACES = ['to my neighbour', 'to a parcel shop', 'home please', 'to a locker', 'to my office'];
const CITIES = ['London', 'Leeds', 'Glasgow', 'Bristol', 'Cardiff', 'Belfast'];
const SIZES = ['small', 'medium', 'a large one'];

/** Each a person: asks, answers, changes the subject, mistypes, comes back. */
const SCRIPTS: readonly ((details: Details) => readonly string[])[] = [
  ({ number, other }) => ['hello', 'where is my parcel?', number, 'and when will it come?', `what about ${other}`, 'can I insure a parcel?', 'what are your opening hours?', 'thanks', 'bye'],
  ({ number, day, place }) => ['I want to change my delivery', number, day, place, 'yes', 'great, thank you', 'do you deliver on weekends?', 'where is my parcel?', 'goodbye'],
  ({ number, day, place }) => ['nobody was at home when you came', number, 'how long do you keep it?', day, place, 'no', 'change my delivery', day, place, 'yes', 'thanks a lot'],
  ({ number }) => ['my parcel is broken', number, 'what will you pay?', 'is it insured?', 'this is not good at all', 'the box was wet and torn open', 'no', 'ok, bye'],
  ({ city, size }) => ['hi there', 'where can I find a parcel shop?', 'somewhere', city, 'when is it open?', 'how much is a parcel?', size, 'can I send wine to Italy?', 'thank you', 'bye'],
  ({ size, day }) => ['please pick up a parcel at my place', size, day, 'what does that cost?', 'can I send batteries?', 'how do I send it?', 'who are you?', 'tell me a joke', 'haha', 'see you'],
  ({ number, city }) => ['how do returns work?', 'where is the nearest shop?', city, 'and what are the prices?', 'small', `I sent ${number} back last week`, 'where is it now?', number, 'thanks'],
  ({ number, other }) => ['hey', 'how are you?', 'my parcel never arrived', number, `sorry, I mean ${other}`, 'how long does a claim take?', 'I want to complain', 'the driver threw it over the fence', 'no', 'bye'],
  ({ number, day }) => ['what can you do?', 'I would like another day', 'oh, wait', number, 'blue', day, 'what is a locker?', 'to a parcel locker', 'yes', 'perfect', 'goodbye'],
  ({ city, number }) => ['good morning', 'do you ship to Canada?', 'how long does that take?', 'and what may I not send?', `is there a shop in ${city}?`, 'where is my parcel', number, 'stop', 'thanks anyway', 'bye bye'],
];

/** So many conversations; the same for the same randomness. */
export function demoDialogues(count: number, random: Random): Dialogue[] {
  const pick = (from: readonly string[]): string => from[Math.floor(random.float() * from.length)] ?? '';
  const number = (): string => `PP${String(Math.floor(random.float() * 1e9)).padStart(9, '0')}`;
  return Array.from({ length: count }, (_, index) => {
    const script = SCRIPTS[index % SCRIPTS.length] ?? (() => []);
    const turns = script({ number: number(), other: number(), day: pick(DAYS), place: pick(PLACES), city: pick(CITIES), size: pick(SIZES) });
    return { name: String(index + 1), turns };
  });
}
