/** What the simulated people say: turns for the example bot (parcels), many kinds, some outside of what it knows. */
import { seededRandom } from '../../platform/random.js';

/** Everything that they say. */
export const turns = [
  'hi there', 'hello', 'good morning', 'thanks a lot', 'thank you for your help', 'bye', 'ok',
  'where is my parcel', 'where is my package?', 'track my parcel please', 'I want to track parcel PX123456789', 'my tracking number is PX987654321',
  'has my order been shipped yet', 'when will my parcel arrive', 'the parcel should have been here yesterday', 'PX123456789',
  'I need to change my delivery', 'can you deliver on another day', 'please deliver it tomorrow', 'next monday', 'in the morning', 'to my neighbour please',
  'leave the parcel with the neighbour', 'change the delivery address', 'I will not be at home on friday', 'deliver to a pickup point',
  'my parcel is damaged', 'the box arrived broken', 'I want to complain', 'the driver was rude', 'I never received my parcel', 'this is the third time it is late',
  'what are your opening hours', 'when do you open on saturday', 'are you open on sundays', 'where is the nearest branch',
  'how much does it cost to send a parcel', 'what is the maximum weight', 'how do I pack a fragile item', 'can I send a parcel abroad',
  'I want to talk to a person', 'can I speak to an agent', 'give me a human please',
  'cancel', 'never mind', 'yes', 'yes please', 'no', 'no that is wrong', 'what can you do', 'help', 'who are you',
  'what is the weather like', 'tell me a joke', 'asdf qwer', 'the quick brown fox jumps over the lazy dog',
] as const;

export interface Turn {
  readonly conversation: number;
  readonly text: string;
}

/** Turn `index` of a run; the same every time. Each conversation gets its turns in equal shares, in a scattered order. */
export function turnMaker(conversations: number, seed = 1): (index: number) => Turn {
  const random = seededRandom(seed);
  const order = Uint32Array.from({ length: conversations }, (_, i) => i);
  for (let i = order.length - 1; i > 0; i -= 1) {
    const other = Math.floor(random.float() * (i + 1));
    const kept = order[i] ?? 0;
    order[i] = order[other] ?? 0;
    order[other] = kept;
  }
  return (index) => ({
    conversation: order[index % conversations] ?? 0,
    text: turns[Math.floor(random.float() * turns.length)] ?? 'hello',
  });
}
