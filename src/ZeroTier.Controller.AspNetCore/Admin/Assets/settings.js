// The settings of a network.
import { readPool, readRoute, writePool, writeRoute } from './addresses.js';
import { call } from './api.js';
import { announce, byId, confirm, showProblem } from './dom.js';
import { lines } from './lists.js';
import { path, showName, showNetwork } from './network.js';
import { changesOf, save } from './saving.js';

const overtaken = 'Somebody else has changed this network meanwhile, and it was not deleted. Load the page anew, and look at it again.';
const yesNo = value => value ? 'yes' : 'no';
const text = value => String(value);
const writeIpv6 = value => Object.entries({ pool: 'from the pools', rfc4193: 'RFC 4193', sixPlane: '6PLANE' })
  .filter(([key]) => value[key]).map(([, name]) => name).join(', ');
const fields = {
  name: ['The name', text],
  private: ['Access', value => value ? 'private' : 'public'],
  routes: ['Routes', value => value.map(writeRoute).join(', ')],
  assignsIpv4: ['IPv4 from the pools', yesNo],
  ipv6: ['IPv6', writeIpv6],
  pools: ['Address pools', value => value.map(writePool).join(', ')],
  dns: ['DNS', value => value && value.domain !== '' ? `${value.domain}: ${value.servers.join(', ')}` : ''],
  mtu: ['The MTU', text],
  multicastLimit: ['The multicast limit', text],
  broadcast: ['Broadcast', yesNo],
};

const form = byId('settings');
let seen = null;
let etag = null;

function fill() {
  byId('name').value = seen.name;
  byId(seen.private ? 'private' : 'public').checked = true;
  byId('routes').value = seen.routes.map(writeRoute).join('\n');
  byId('v4').checked = seen.assignsIpv4;
  byId('v6-pool').checked = seen.ipv6.pool;
  byId('v6-rfc4193').checked = seen.ipv6.rfc4193;
  byId('v6-6plane').checked = seen.ipv6.sixPlane;
  byId('pools').value = seen.pools.map(writePool).join('\n');
  byId('domain').value = seen.dns?.domain ?? '';
  byId('servers').value = seen.dns?.servers.join('\n') ?? '';
  byId('mtu').value = seen.mtu;
  byId('multicast').value = seen.multicastLimit;
  byId('broadcast').checked = seen.broadcast;
}

function read() {
  const domain = byId('domain').value.trim();
  const servers = lines(byId('servers').value);
  const hasDns = domain !== '' || servers.length > 0;
  return {
    name: byId('name').value.trim(),
    private: byId('private').checked,
    routes: lines(byId('routes').value).map(readRoute),
    assignsIpv4: byId('v4').checked,
    ipv6: { pool: byId('v6-pool').checked, rfc4193: byId('v6-rfc4193').checked, sixPlane: byId('v6-6plane').checked },
    pools: lines(byId('pools').value).map(readPool),
    dns: hasDns || seen.dns ? { domain, servers } : null,
    mtu: byId('mtu').valueAsNumber,
    multicastLimit: byId('multicast').valueAsNumber,
    broadcast: byId('broadcast').checked,
  };
}

function take(network, tag) {
  seen = network;
  etag = tag;
  showName(network);
}

form.addEventListener('submit', async event => {
  event.preventDefault();
  try {
    showProblem(form, null);
    const result = await save({ place: form, path, was: seen, etag, fields, body: changesOf(seen, read()) });
    take(result.resource, result.etag);
    fill();
    announce(result.isSaved ? 'The settings are saved.' : 'The settings are shown as they are now.');
  } catch (problem) {
    showProblem(form, problem.message);
  }
});

byId('delete').addEventListener('click', async () => {
  const name = seen.name || seen.id;
  const effect = `All ${seen.members.total} members of ${name} are shut out. That cannot be undone.`;
  if (!await confirm(`Delete ${name}?`, effect, 'Delete network')) {
    return;
  }
  try {
    await call('DELETE', path, { etag });
    location.assign('./');
  } catch (problem) {
    showProblem(byId('end'), problem.status === 412 ? overtaken : problem.message);
  }
});

const network = await showNetwork();
if (network) {
  take(network, network.etag);
  fill();
  form.hidden = byId('end').hidden = false;
}
