// The network of the page, from its URL, and the links to the network's other pages.
import './frame.js';
import { call } from './api.js';
import { byId, element, showProblem } from './dom.js';

export const id = new URLSearchParams(location.search).get('network') ?? '';
export const path = `api/networks/${encodeURIComponent(id)}`;

const pages = [['members', 'Members'], ['settings', 'Settings'], ['rules', 'Rules'], ['tokens', 'Join tokens'], ['audit', 'Audit trail']];

/** Loads the network, and shows its name and the links. If that fails, shows the error and returns null. */
export async function showNetwork() {
  try {
    const network = await call('GET', path);
    showName(network);
    byId('tabs').replaceChildren(...pages.map(([page, text]) => element(
      'a', { href: `${page}?network=${id}`, 'aria-current': location.pathname.endsWith(`/${page}`) && 'page' }, text)));
    return network;
  } catch (problem) {
    showProblem(byId('main'), problem.message);
    return null;
  }
}

export function showName(network) {
  byId('network').replaceChildren(network.name || 'Without a name', ' ', element('code', {}, network.id));
  document.title = `${network.name || network.id} – ${document.title.split(' – ').slice(-2).join(' – ')}`;
}
