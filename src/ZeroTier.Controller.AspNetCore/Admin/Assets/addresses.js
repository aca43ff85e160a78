// Addresses as people write them. The controller says what is wrong with them.

/** A route for a range of IPv4 addresses, and a pool of all that members may have in it. */
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

/** A pool: first and last address with a dash between them, or one address. */
export function readPool(line) {
  const [first, last = first] = line.split('-').map(part => part.trim());
  return { first, last };
}

export const writePool = pool => pool.first === pool.last ? pool.first : `${pool.first} - ${pool.last}`;

/** A route: the target, and the gateway behind “via”. */
export function readRoute(line) {
  const [target, via] = line.split(/\s+via\s+/);
  return { target, via: via ?? null };
}

export const writeRoute = route => route.via ? `${route.target} via ${route.via}` : route.target;
