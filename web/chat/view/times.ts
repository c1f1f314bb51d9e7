/** Times in the words of the person's own language and place. */
const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const date = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' });

export const timeOf = (at: string): string => clock.format(new Date(at));

export function dayOf(at: string): string {
  const day = new Date(at);
  return day.toDateString() === new Date().toDateString() ? 'Today' : date.format(day);
}
