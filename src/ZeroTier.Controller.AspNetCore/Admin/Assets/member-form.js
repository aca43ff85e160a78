// The dialog for the settings of a member.
import { announce, choice, element, field, openDialog, showProblem } from './dom.js';
import { lines } from './lists.js';
import { changesOf, save } from './saving.js';

const yesNo = value => value ? 'yes' : 'no';
const fields = {
  name: ['The name', value => value ?? ''],
  addresses: ['Addresses', value => value.join(', ')],
  assignsAddresses: ['Addresses from the pools', yesNo],
  activeBridge: ['Bridge', yesNo],
  authorized: ['Authorised', yesNo],
};

/** Opens the dialog. taken: called with the current member after it was saved, or after the user has chosen another's changes. */
export function editMember(member, path, taken) {
  const name = element('input', { id: 'member-name', autocomplete: 'off', maxlength: '255' });
  const addresses = element('textarea', { id: 'member-addresses', rows: '3', spellcheck: 'false' });
  const assigns = element('input', { id: 'member-assigns', type: 'checkbox' });
  const bridge = element('input', { id: 'member-bridge', type: 'checkbox' });
  let seen = member;
  let etag = `"${member.revision}"`;
  const fill = () => {
    name.value = seen.name ?? '';
    addresses.value = seen.addresses.join('\n');
    assigns.checked = seen.assignsAddresses;
    bridge.checked = seen.activeBridge;
  };
  fill();

  const form = element('form', { submit: submit },
    field('Name', name),
    field('Addresses', addresses, 'One a line. The member keeps them.'),
    choice('Give it addresses from the pools', assigns),
    choice('Bridge: it may speak for other devices behind it', bridge),
    element('p', { class: 'actions' }, element('button', { class: 'primary' }, 'Save'),
      element('button', { type: 'button', click: () => dialog.close() }, 'Cancel')));
  const dialog = openDialog(`Member ${member.id}`, form);

  async function submit(event) {
    event.preventDefault();
    const given = {
      name: name.value.trim() || (seen.name === null ? null : ''),
      addresses: lines(addresses.value),
      assignsAddresses: assigns.checked,
      activeBridge: bridge.checked,
    };
    try {
      showProblem(form, null);
      const result = await save({ place: form, path, was: seen, etag, fields, body: changesOf(seen, given) });
      seen = result.resource;
      etag = result.etag;
      taken(seen);
      if (result.isSaved) {
        dialog.close();
        announce(`${seen.name || seen.id} is saved.`);
      } else {
        fill();
        name.focus();
      }
    } catch (problem) {
      showProblem(form, problem.message);
    }
  }
}
