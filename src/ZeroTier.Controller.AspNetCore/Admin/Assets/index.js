// The list of networks, and the form for a new network.
import './frame.js';
import { call, follow } from './api.js';
import { everyPage } from './lists.js';
import { readRange } from './addresses.js';
import { byId, element, focusAgain, focusName, showProblem } from './dom.js';

const list = byId('networks');

function card(network) {
  const { total, authorized, online } = network.members;
  const waiting = total - authorized;
  return element('li', { class: 'card' },
    element('h2', {}, element('a', { href: `members?network=${network.id}`, 'data-focus': network.id }, network.name || 'Without a name')),
    element('p', {}, element('code', {}, network.id), ` · ${network.private ? 'private' : 'public'}`),
    element('p', { class: 'quiet' }, `${authorized} ${authorized === 1 ? 'member' : 'members'}, ${online} online`,
      waiting > 0 && element('strong', { class: 'warn' }, ` · ${waiting} waiting`)));
}

async function show() {
  try {
    const networks = await everyPage('api/networks');
    const focused = focusName();
    list.replaceChildren(...networks.map(card));
    byId('none').hidden = networks.length > 0;
    list.setAttribute('aria-busy', 'false');
    if (focused) {
      focusAgain(focused);
    }
  } catch (problem) {
    showProblem(byId('main'), problem.message);
  }
}

// Combines the events of 250 ms into one reload of the list.
let planned;
const plan = () => { planned ??= setTimeout(() => { planned = undefined; show(); }, 250); };

byId('range').value = `10.147.${1 + Math.floor(Math.random() * 250)}.0/24`;
byId('create').addEventListener('submit', async event => {
  event.preventDefault();
  const form = event.target;
  try {
    const range = form.range.value.trim();
    const created = await call('POST', 'api/networks', {
      body: { name: form.name.value.trim(), ...(range ? { assignsIpv4: true, ...readRange(range) } : {}) },
    });
    location.assign(`members?network=${created.id}`);
  } catch (problem) {
    showProblem(form, problem.message);
  }
});
follow('api/events', {
  ready: show,
  missed: plan,
  'network.changed': plan,
  'network.deleted': plan,
  'member.changed': plan,
  'member.deleted': plan,
  'member.online': plan,
  'member.offline': plan,
});
