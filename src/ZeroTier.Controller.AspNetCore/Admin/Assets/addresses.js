// Converts address pools and routes from and to text. The controller validates them.

/** Converts an IPv4 range such as 10.147.20.0/24 to a route, and a pool with all of its host addresses. */
export function readRange(text) {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(text);
  const bytes = match?.slice(1, 5).map(Number);
  const bits = Number(match?.[5]);
  if (!match || bytes.some(byte => byte > 255) || bits < 8 || bits > 30) {
    throw new Error(`“${text}” is no range of IPv4 addresses. A valid example is 10.147.20.0/24; from /8 to /30.`);
  }
  const size = 2 ** (32 - bits);
  const number = bytes.reduce((sum, byte) => sum * 256 + byte, 0);
  const network = number - number % size;
  const write = value => [24, 16, 8, 0].map(shift => Math.floor(value / 2 ** shift) % 256).join('.');
  return { routes: [{ target: `${write(network)}/${bits}` }], pools: [{ first: write(network + 1), last: write(network + size - 2) }] };
}

/** Parses a pool: the first and the last address separated by a dash, or one address. */
export function readPool(line) {
  const [first, last = first] = line.split('-').map(part => part.trim());
  return { first, last };
}

export const writePool = pool => pool.first === pool.last ? pool.first : `${pool.first} - ${pool.last}`;

/** Parses a route: the target, optionally followed by “via” and the gateway. */
export function readRoute(line) {
  const [target, via] = line.split(/\s+via\s+/);
  return { target, via: via ?? null };
}

export const writeRoute = route => route.via ? `${route.target} via ${route.via}` : route.target;
