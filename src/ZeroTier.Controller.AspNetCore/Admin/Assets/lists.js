// Lists that come in pages.
import { call } from './api.js';

const pageSize = 1000;

/** All entries, up to a bound that no person would read. */
export async function everyPage(path, most = 20000) {
  const items = [];
  for (let after = ''; after !== null && items.length < most;) {
    const page = await call('GET', `${path}?limit=${pageSize}${after ? `&after=${encodeURIComponent(after)}` : ''}`, { refresh: true });
    items.push(...page.items);
    after = page.next;
  }
  return items;
}

/** The lines of a text that hold something. */
export const lines = text => text.split('\n').map(line => line.trim()).filter(line => line !== '');
