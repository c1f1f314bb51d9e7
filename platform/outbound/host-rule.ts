/** Which hosts a call to the outside may name: a list of the operator's, `https` unless an entry says otherwise. */

/** `host`, `*.domain`, `host:port`, `http://host:port`; IPv6 in brackets. */
export const HOST_FORM = /^(?:https?:\/\/)?(?:(?:\*\.)?[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::[1-9]\d{0,4})?$/;

interface Entry { readonly protocol: string; readonly host: string; readonly below: boolean; readonly port: string }

export interface HostRule {
  /** Whether the URL's scheme, host and port stand in the list, and it names no user. */
  allows(url: URL): boolean;
}

export function hostRule(list: readonly string[]): HostRule {
  const entries = list.map(entryOf);
  return {
    allows(url) {
      if (url.username !== '' || url.password !== '') return false;
      const host = url.hostname.toLowerCase().replace(/\.$/, '');
      const port = portOf(url);
      return entries.some((entry) => entry.protocol === url.protocol && entry.port === port && (entry.below ? host.endsWith(`.${entry.host}`) : host === entry.host));
    },
  };
}

function entryOf(text: string): Entry {
  const below = /^(https?:\/\/)?\*\./.test(text);
  const plain = text.replace('*.', '');
  const url = new URL(/^https?:\/\//.test(plain) ? plain : `https://${plain}`);
  return { protocol: url.protocol, host: url.hostname.toLowerCase(), below, port: portOf(url) };
}

const portOf = (url: URL): string => (url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port);
