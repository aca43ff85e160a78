// The members of a network, updated live: those that wait for authorisation, and those that are authorised.
import { call, follow } from './api.js';
import { announce, byId, confirm, element, focusAgain, focusName, showProblem, time } from './dom.js';
import { everyPage } from './lists.js';
import { editMember } from './member-form.js';
import { id, path, showNetwork } from './network.js';

const mostShown = 200;
const members = new Map();
const nameOf = member => member.name || member.id;
const etagOf = member => `"${member.revision}"`;
const pathOf = node => `${path}/members/${node}`;

const overtaken = 'Somebody else has changed this member meanwhile, and nothing was done. '
  + 'It is shown as it is now: look at it and try again.';
const removal = 'Its name and addresses are forgotten, and its connections end. If it asks again, it waits again.';

const addressProblems = {
  IPv4PoolExhausted: 'No pool has a free IPv4 address inside a route: enlarge a pool in the settings.',
  IPv6PoolExhausted: 'No pool has a free IPv6 address inside a route: enlarge a pool in the settings.',
  Conflict: 'One of its addresses belongs to another member, which had it first: take it away from one of them.',
};

function presence(member) {
  if (member.online) {
    return element('span', { class: 'good' }, 'online');
  }
  return element('span', { class: 'quiet' }, member.lastSeen ? ['offline, last seen ', time(member.lastSeen)] : 'never seen');
}

function button(action, member, run, kind) {
  const label = `${action} ${nameOf(member)}`;
  const focus = `${action} ${member.id}`;
  return element('button', { type: 'button', class: kind, 'data-focus': focus, 'aria-label': label, click: run }, action);
}

function card(member) {
  const problems = member.addressState.split(', ').map(state => addressProblems[state]).filter(text => text);
  return element('li', { class: 'card', 'data-node': member.id },
    element('h3', {}, nameOf(member)),
    element('p', {}, element('code', {}, member.id), ' · ', presence(member), member.version && ` · version ${member.version}`,
      member.activeBridge && ' · bridge', member.authorizedBy === 'Token' && ' · by join token'),
    member.addresses.length > 0 && element('p', {}, member.addresses.map((address, at) => [at > 0 && ', ', element('code', {}, address)])),
    problems.map(text => element('p', { class: 'warn' }, text)),
    element('p', { class: 'actions' },
      member.authorized
        ? button('Shut out', member, () => authorize(member, false))
        : button('Authorise', member, () => authorize(member, true), 'primary'),
      button('Edit', member, () => edit(member)),
      button('Remove', member, () => remove(member), 'danger')));
}

function matches(member, words) {
  const text = `${member.name ?? ''} ${member.id} ${member.addresses.join(' ')}`.toLowerCase();
  return words.every(word => text.includes(word));
}

// The focus remains on the same member when its card moves.
function show() {
  const node = document.activeElement?.closest?.('[data-node]')?.dataset.node;
  const focused = focusName();
  const words = byId('filter').value.toLowerCase().split(/\s+/).filter(word => word !== '');
  const sorted = [...members.values()].sort((a, b) => nameOf(a).localeCompare(nameOf(b)) || a.id.localeCompare(b.id));
  const waiting = sorted.filter(member => !member.authorized);
  const found = sorted.filter(member => member.authorized && matches(member, words));
  byId('waiting').replaceChildren(...waiting.slice(0, mostShown).map(card));
  byId('nobody-waits').hidden = waiting.length > 0;
  byId('waiting-heading').textContent = waiting.length > 0 ? `Waiting (${waiting.length})` : 'Waiting';
  byId('members').replaceChildren(...found.slice(0, mostShown).map(card));
  byId('members-heading').textContent = `Authorised (${sorted.length - waiting.length})`;
  const hidden = Math.max(0, found.length - mostShown) + Math.max(0, waiting.length - mostShown);
  byId('more').hidden = hidden === 0;
  byId('more').textContent = `${hidden} more are not shown. The filter finds them.`;
  if (node) {
    focusAgain(focused, document.querySelector(`[data-node="${node}"] button`) ?? undefined);
  }
}

let planned;
const plan = () => { planned ??= setTimeout(() => { planned = undefined; show(); }, 100); };

async function readAll() {
  try {
    const all = await everyPage(`${path}/members`);
    members.clear();
    all.forEach(member => members.set(member.id, member));
    byId('members').setAttribute('aria-busy', 'false');
    show();
  } catch (problem) {
    showProblem(byId('main'), problem.message);
  }
}

// The newest event of each member that is being read. The answer to an older one may arrive later, and is stale.
const newest = new Map();

async function read(event) {
  newest.set(event.member, event);
  try {
    const member = await call('GET', pathOf(event.member), { refresh: true });
    if (newest.get(event.member) !== event) {
      return;
    }
    if (!members.has(member.id) && !member.authorized) {
      announce(`${nameOf(member)} asks to join.`);
    }
    members.set(member.id, member);
  } catch (problem) {
    if (problem.status !== 404) {
      announce(problem.message);
      return;
    }
    members.delete(event.member);
  } finally {
    if (newest.get(event.member) === event) {
      newest.delete(event.member);
    }
  }
  plan();
}

/** Runs an action on a member. If it fails, shows the error and reloads the list. */
async function act(run) {
  try {
    showProblem(byId('main'), null);
    await run();
  } catch (problem) {
    showProblem(byId('main'), problem.status === 412 ? overtaken : problem.message);
    await readAll();
  }
}

// Applies to any revision (etag *), because it changes nothing but the authorisation, and the controller may be assigning an address at
// the same time. It fails if the member was removed meanwhile, instead of creating it again.
const authorize = (member, authorized) => act(async () => {
  const changed = await call('PATCH', pathOf(member.id), { body: { authorized }, etag: '*' });
  members.set(changed.id, changed);
  announce(`${nameOf(changed)} is ${authorized ? 'authorised' : 'shut out: its connections end'}.`);
  show();
});

const edit = member => editMember(member, pathOf(member.id), changed => {
  members.set(changed.id, changed);
  show();
});

const remove = member => act(async () => {
  if (await confirm(`Remove ${nameOf(member)}?`, removal, 'Remove')) {
    await call('DELETE', pathOf(member.id), { etag: etagOf(member) });
    members.delete(member.id);
    announce(`${nameOf(member)} is removed.`);
    show();
  }
});

byId('filter').addEventListener('input', show);
byId('add').addEventListener('submit', async event => {
  event.preventDefault();
  const form = event.target;
  try {
    showProblem(form, null);
    const added = await call('PATCH', pathOf(form.node.value.trim().toLowerCase()), { body: { authorized: true }, isNew: true });
    members.set(added.id, added);
    form.reset();
    announce(`${added.id} is added.`);
    show();
  } catch (problem) {
    showProblem(form, problem.status === 412 ? 'It is in the list already.' : problem.message);
  }
});

if (await showNetwork()) {
  follow(`api/events?network=${id}`, {
    ready: readAll, missed: readAll, 'member.changed': read, 'member.online': read, 'member.offline': read,
    'member.deleted': event => { newest.delete(event.member); members.delete(event.member); plan(); },
    'network.deleted': () => showProblem(byId('main'), 'This network was deleted.'),
  });
}
