/**
 * Whether this Node is new enough. Read by Nodes that are not: no import, and no syntax or function that is newer than
 * Node 14. A test compares the number with `engines` of package.json.
 */

const LEAST = [20, 6];

/** One line that says what to do; undefined when the version will do. */
export function nodeFault(version: string): string | undefined {
  const parts = version.split('.').map(Number);
  const major = parts[0] || 0;
  if (major > LEAST[0]! || (major === LEAST[0] && (parts[1] || 0) >= LEAST[1]!)) return undefined;
  return 'CONFAB_NODE_TOO_OLD: This is Node ' + version + '; Confab needs ' + LEAST.join('.')
    + ' or newer. Install a current Node, for example by your package manager or with nvm (nvm install --lts), then run npm ci again.';
}
