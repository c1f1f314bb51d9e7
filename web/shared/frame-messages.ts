/** What the page in a frame and the site around it tell each other by postMessage. Documented in web/README.md. */

/** From the site to the page. */
export type ToPage =
  | { readonly confab: 'options'; readonly title?: string; readonly colour?: string; readonly conversation?: string; readonly remembered?: string; readonly theme?: 'light' | 'dark'; readonly xray?: boolean; readonly token: boolean }
  | { readonly confab: 'token'; readonly token: string };

/** From the page to the site. */
export type ToSite =
  | { readonly confab: 'ready' }
  | { readonly confab: 'token-wanted' }
  | { readonly confab: 'replied' }
  /** The person began this one: a site remembers it where the browser lets no frame store anything. */
  | { readonly confab: 'conversation'; readonly conversation: string }
  | { readonly confab: 'close' };

/** `data` of a message event as one of ours, by its name; undefined for what others send. */
export function messageOf<T extends ToPage | ToSite>(data: unknown): T | undefined {
  return typeof data === 'object' && data !== null && typeof (data as { confab?: unknown }).confab === 'string' ? data as T : undefined;
}
