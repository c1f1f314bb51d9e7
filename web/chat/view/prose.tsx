/** Plain text as people wrote it: lines stay lines, addresses of the web can be followed. Nothing in it is taken as markup. */
import type { ReactElement } from 'react';

const ADDRESS = /(https?:\/\/[^\s<>"']+[^\s<>"'.,;:!?)\]])/g;

export function Prose({ text }: { readonly text: string }): ReactElement {
  // Every second piece is what the group of the pattern took.
  const pieces = text.split(ADDRESS);
  return <p className="prose" dir="auto">{pieces.map((piece, index) => (index % 2 === 1 ? <a key={index} href={piece} target="_blank" rel="noopener noreferrer nofollow">{piece}</a> : piece))}</p>;
}
