/** The assigner `confab-sticky.1`: the unit is a partition number over all topics, and members keep what they have. */
import { assignSticky } from '../in-process/sticky.js';
import { decodeSubscription, encodeAssignment, type Share } from './requests-group.js';

export const ASSIGNER = 'confab-sticky.1';

/** What the leader gives to each member. `countOf`: partitions of a topic. */
export function assign(members: readonly { member: string; metadata: Buffer }[], countOf: (topic: string) => number): Share[] {
  // Where two claim a number, the one of the later generation has it; a member that was away is corrected so.
  const claims = members
    .map(({ member, metadata }) => ({ member, ...decodeSubscription(metadata) }))
    .sort((a, b) => b.generation - a.generation || (a.member < b.member ? -1 : 1));
  const numbers = Math.max(0, ...claims.flatMap(({ topics }) => topics.map(countOf)));
  const shares = assignSticky(claims.map(({ owned }) => owned), numbers);
  return claims.map(({ member, topics }, index) => ({
    member,
    assignment: encodeAssignment(topics.map((topic) => ({ topic, partitions: (shares[index] ?? []).filter((number) => number < countOf(topic)) }))),
  }));
}

export function topicsOf(members: readonly { metadata: Buffer }[]): string[] {
  return [...new Set(members.flatMap(({ metadata }) => decodeSubscription(metadata).topics))];
}
