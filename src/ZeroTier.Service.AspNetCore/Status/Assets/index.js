// Shows the node's state, updated every second. Everything is rebuilt from the app's events; the page is read-only.
import './frame.js';
import { follow } from './api.js';
import { byId, element, time } from './dom.js';
import { Chart } from './chart.js';

const chart = new Chart(120);
let heard = Date.now();

const bytes = count => count < 1e3 ? `${count} B`
  : count < 1e6 ? `${(count / 1e3).toFixed(1)} kB`
  : count < 1e9 ? `${(count / 1e6).toFixed(1)} MB`
  : `${(count / 1e9).toFixed(2)} GB`;

const pairs = entries => entries.flatMap(([name, value]) => [element('dt', {}, name), element('dd', {}, value)]);

// Replaces content only if it differs, so as not to interrupt a text selection or a screen reader.
function fill(id, children) {
  const place = byId(id);
  const made = element('div', {}, children);
  if (place.innerHTML !== made.innerHTML) {
    place.replaceChildren(...made.childNodes);
  }
}

function say(text, look) {
  const summary = byId('summary');
  if (summary.textContent !== text) {
    summary.textContent = text;
  }
  summary.className = `summary ${look}`;
  summary.removeAttribute('aria-busy');
}

function summarize({ problems, warnings }) {
  say(
    problems.length > 0 ? 'Not ready' : warnings.length > 0 ? 'Ready, with warnings' : 'Ready',
    problems.length > 0 ? 'bad' : warnings.length > 0 ? 'warn' : 'good');
  byId('why').hidden = problems.length + warnings.length === 0;
  fill('problems', [...problems.map(text => element('li', { class: 'bad' }, text)), ...warnings.map(text => element('li', {}, text))]);
}

const networkCard = network => element('li', { class: 'card' },
  element('h3', {}, network.name || network.id),
  element('p', { class: network.ready ? 'good' : 'bad' }, network.ready ? 'Ready' : network.status),
  element('dl', {}, pairs([['ID', element('code', {}, network.id)], ['Addresses', network.addresses.join(', ') || 'none']])),
  network.detail && element('p', {}, network.detail),
  network.login && element('p', {}, element('a', { href: network.login, rel: 'noreferrer' }, 'Sign in to the network')));

function peerItem(peer) {
  const way = peer.way === 'direct' ? `directly at ${peer.path ?? 'an address that the engine does not tell'}`
    : peer.way === 'relayed' ? 'relayed by a root' : 'not heard lately';
  const facts = [
    peer.role === 'Leaf' ? null : peer.role === 'Moon' ? 'root of a moon' : 'root',
    way,
    peer.latency === undefined ? null : `${peer.latency} ms`,
    peer.version ? `version ${peer.version}` : null,
    peer.silence > 60 ? `silent for ${peer.silence} s` : null,
  ];
  return element('li', {}, element('code', {}, peer.id), element('span', {}, facts.filter(fact => fact !== null).join(', ')));
}

function showTraffic(status) {
  const rate = chart.add(Date.parse(status.time), status.traffic.received, status.traffic.sent);
  byId('rates').textContent = rate === null
    ? 'Two minutes of what is received and sent.'
    : `Receiving ${bytes(rate.received)}/s (solid line), sending ${bytes(rate.sent)}/s (dashed line).`;
  const { received, sent, connections, retransmissions, dropped } = status.traffic;
  const drops = Object.entries(dropped).map(([reason, count]) => `${reason} ${count}`).join(', ');
  fill('traffic', pairs([
    ['Received', bytes(received)], ['Sent', bytes(sent)], ['TCP connections', `${connections}`],
    ['Retransmissions', `${retransmissions}`], ['Dropped', drops || 'nothing'],
  ]));
}

function show(status) {
  heard = Date.now();
  byId('stale').hidden = true;
  summarize(status);
  fill('node', pairs([
    ['Address', status.node ? element('code', {}, status.node) : 'none yet'],
    ['State', status.online ? `${status.state}, online` : `${status.state}, no root answers`],
    ['Engine', status.engine],
    ...(status.places ? [['UDP', status.places.join(', ')]] : []),
  ]));
  showTraffic(status);
  fill('networks', status.networks.map(networkCard));
  fill('endpoints', status.endpoints.map(endpoint => element('li', {}, element('code', {}, endpoint.name), ` · ${endpoint.state}`)));
  fill('peers', status.peers.map(peerItem));
  fill('events', status.events.map(happened => element('li', {}, time(happened.time), ` · ${happened.code}`,
    happened.network && [' ', element('code', {}, happened.network)])));
  for (const name of ['networks', 'endpoints', 'peers']) {
    byId(`no-${name}`).hidden = status[name].length > 0;
  }
  byId('more-peers').hidden = status.peerCount === status.peers.length;
  byId('more-peers').textContent = `${status.peers.length} of ${status.peerCount} are shown.`;
}

follow('api/events', { status: show });
setInterval(() => {
  if (!document.hidden && Date.now() - heard > 5000) {
    byId('stale').hidden = false;
    say('Unknown', 'warn');
  }
}, 1000);
