// Reads paged lists of the API.
import { call } from './api.js';

const pageSize = 1000;

/** Returns the entries of all pages; stops when there are 20,000 or more. */
export async function everyPage(path, most = 20000) {
  const items = [];
  for (let after = ''; after !== null && items.length < most;) {
    const page = await call('GET', `${path}?limit=${pageSize}${after ? `&after=${encodeURIComponent(after)}` : ''}`, { refresh: true });
    items.push(...page.items);
    after = page.next;
  }
  return items;
}

/** Returns the non-empty lines of a text. */
export const lines = text => text.split('\n').map(line => line.trim()).filter(line => line !== '');
