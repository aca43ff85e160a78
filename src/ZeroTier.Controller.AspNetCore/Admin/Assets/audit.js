// The audit trail of one network or of all, newest entries first.
import './frame.js';
import { call } from './api.js';
import { byId, element, showProblem, time } from './dom.js';
import { id, showNetwork } from './network.js';

const pageSize = 100;
let next = null;

function entry(audit) {
  return element('li', {},
    element('span', { class: 'quiet' }, time(audit.time)),
    element('span', {}, element('strong', {}, audit.actor), ': ', audit.action, id === '' && [' ', element('code', {}, audit.network)],
      audit.member && [' ', element('code', {}, audit.member)], audit.detail && ` – ${audit.detail}`));
}

async function showMore() {
  try {
    const filter = id === '' ? '' : `&network=${encodeURIComponent(id)}`;
    const page = await call('GET', `api/audit?limit=${pageSize}${filter}${next === null ? '' : `&after=${encodeURIComponent(next)}`}`);
    const shown = page.items.map(entry);
    byId('entries').append(...shown);
    byId('entries').setAttribute('aria-busy', 'false');
    byId('none').hidden = byId('entries').children.length > 0;
    const isFirst = next === null;
    next = page.next;
    byId('older').hidden = next === null;
    if (!isFirst && shown.length > 0) {
      shown[0].tabIndex = -1;
      shown[0].focus();
    }
  } catch (problem) {
    showProblem(byId('main'), problem.message);
  }
}

byId('older').addEventListener('click', showMore);
if (id !== '') {
  byId('network').hidden = byId('tabs').hidden = false;
  await showNetwork();
}
await showMore();
