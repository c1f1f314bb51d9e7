/**
 * Which addresses a call to the outside may reach: the public ones, and ranges that the operator allows. The rule looks at the
 * bytes of an address, so a form that embeds another (mapped, translated, tunnelled) is judged by what it embeds as well.
 */
import { BlockList, isIP } from 'node:net';

/** Not reached from the internet, or meant for something else than a server (IANA special-purpose registries). */
const SPECIAL_V4: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8], ['10.0.0.0', 8], ['100.64.0.0', 10], ['127.0.0.0', 8], ['169.254.0.0', 16], ['172.16.0.0', 12], ['192.0.0.0', 24], ['192.0.2.0', 24],
  ['192.31.196.0', 24], ['192.52.193.0', 24], ['192.88.99.0', 24], ['192.168.0.0', 16], ['192.175.48.0', 24], ['198.18.0.0', 15], ['198.51.100.0', 24],
  ['203.0.113.0', 24], ['224.0.0.0', 4], ['240.0.0.0', 4],
];
/** The only range that is given to hosts of the internet. */
const GLOBAL_V6 = ['2000::', 3] as const;
const SPECIAL_V6: readonly (readonly [string, number])[] = [['2001::', 23], ['2001:db8::', 32], ['2002::', 16], ['2620:4f:8000::', 48], ['3fff::', 20]];

const special = new BlockList();
const global = new BlockList();
for (const [net, bits] of SPECIAL_V4) special.addSubnet(net, bits, 'ipv4');
for (const [net, bits] of SPECIAL_V6) special.addSubnet(net, bits, 'ipv6');
global.addSubnet(GLOBAL_V6[0], GLOBAL_V6[1], 'ipv6');

export interface AddressRule {
  /** Whether a connection to this address (no name) may be made. */
  allows(address: string): boolean;
}

/** @param ranges CIDR ranges or addresses that are allowed although they are not public */
export function addressRule(ranges: readonly string[] = []): AddressRule {
  const allowed = new BlockList();
  for (const range of ranges) {
    const [net = '', bits] = range.split('/');
    const version = isIP(net);
    allowed.addSubnet(net, bits === undefined ? (version === 4 ? 32 : 128) : Number(bits), version === 4 ? 'ipv4' : 'ipv6');
  }
  const allows4 = (address: string): boolean => allowed.check(address, 'ipv4') || !special.check(address, 'ipv4');
  return {
    allows(given) {
      // A zone ("fe80::1%eth0") is of a link, never of the internet.
      const version = isIP(given);
      if (version === 4) return allows4(given);
      if (version !== 6 || given.includes('%')) return false;
      const embedded = embeddedV4(given);
      if (embedded !== undefined) return allows4(embedded);
      return allowed.check(given, 'ipv6') || (global.check(given, 'ipv6') && !special.check(given, 'ipv6'));
    },
  };
}

/** The IPv4 address that packets to this IPv6 address end at: mapped (::ffff:0:0/96) and translated (64:ff9b::/96). */
function embeddedV4(address: string): string | undefined {
  const groups = groupsOf(address);
  const head = groups.slice(0, 6);
  const mapped = head.slice(0, 5).every((group) => group === 0) && head[5] === 0xffff;
  const translated = head[0] === 0x64 && head[1] === 0xff9b && head.slice(2).every((group) => group === 0);
  if (!mapped && !translated) return undefined;
  const [high = 0, low = 0] = groups.slice(6);
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
}

/** The eight groups of a valid IPv6 address. */
function groupsOf(address: string): number[] {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address);
  const plain = dotted === null ? address
    : `${dotted[1] ?? ''}${(Number(dotted[2]) * 256 + Number(dotted[3])).toString(16)}:${(Number(dotted[4]) * 256 + Number(dotted[5])).toString(16)}`;
  const [left = '', right] = plain.split('::');
  const parse = (part: string): number[] => (part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16)));
  const before = parse(left);
  const after = right === undefined ? [] : parse(right);
  return [...before, ...Array.from({ length: 8 - before.length - after.length }, () => 0), ...after];
}
