// The join tokens of a network. A token's secret is shown only once, when it is created.
import { call } from './api.js';
import { announce, byId, confirm, element, showProblem, time } from './dom.js';
import { path, showNetwork } from './network.js';

const hour = 3600 * 1000;
const idOf = token => token.id.slice(0, 8);

function card(token) {
  const isOver = token.expires && new Date(token.expires) < new Date();
  return element('li', { class: 'card' },
    element('p', {}, 'Token ', element('code', {}, idOf(token)), ' · ',
      token.expires ? [isOver ? 'expired ' : 'until ', time(token.expires)] : 'for ever'),
    element('p', { class: 'actions' },
      element('button', {
        type: 'button', class: 'danger', 'aria-label': `Revoke token ${idOf(token)}`, click: () => revoke(token),
      }, 'Revoke')));
}

async function show() {
  const tokens = await call('GET', `${path}/tokens`, { refresh: true });
  byId('tokens').replaceChildren(...tokens.map(card));
  byId('tokens').setAttribute('aria-busy', 'false');
  byId('none').hidden = tokens.length > 0;
}

async function act(place, run) {
  try {
    showProblem(place, null);
    await run();
    await show();
  } catch (problem) {
    showProblem(place, problem.message);
  }
}

const revoke = token => act(byId('main'), async () => {
  if (await confirm(`Revoke token ${idOf(token)}?`, 'Who has joined with it stays a member; nobody joins with it any more.', 'Revoke')) {
    await call('DELETE', `${path}/tokens/${token.id}`);
    announce(`Token ${idOf(token)} is revoked.`);
  }
});

function showSecret(token) {
  const secret = element('input', { id: 'secret', class: 'mono', readonly: true, value: token.token, 'aria-describedby': 'secret-help' });
  const copy = element('button', {
    type: 'button',
    click: () => navigator.clipboard.writeText(token.token).then(() => announce('Copied.'), () => secret.select()),
  }, 'Copy');
  byId('made').replaceChildren(element('section', { class: 'card narrow' },
    element('p', { class: 'field' }, element('label', { for: 'secret' }, 'The new token'), secret,
      element('span', { class: 'help', id: 'secret-help' }, 'Copy it now: it is not shown again.')),

    // Browsers offer the clipboard only to pages from HTTPS or localhost.
    element('p', { class: 'actions' }, navigator.clipboard && copy)));
  secret.focus();
  secret.select();
}

byId('create').addEventListener('submit', event => {
  event.preventDefault();
  act(byId('create'), async () => {
    const hours = byId('hours').value;
    const expires = hours === '' ? null : new Date(Date.now() + hours * hour).toISOString();
    showSecret(await call('POST', `${path}/tokens`, { body: { expires } }));
  });
});

if (await showNetwork()) {
  await act(byId('main'), () => {});
}
