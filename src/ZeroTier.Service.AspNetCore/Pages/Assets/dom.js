// Elements without markup from text: whatever a name holds is shown as it is.

/** Makes an element: attributes by name, functions as listeners, null and false left out; children are elements or text. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === 'function') {
      made.addEventListener(key, value);
    } else if (value !== null && value !== undefined && value !== false) {
      made.setAttribute(key, value === true ? '' : value);
    }
  }
  made.append(...children.flat().filter(child => child !== null && child !== undefined && child !== false));
  return made;
}

/** The element of an id. */
export const byId = id => document.getElementById(id);

/** Says something to those who see and those who listen, and takes it away again. */
export function announce(text) {
  const status = byId('status');
  status.textContent = text;
  clearTimeout(announce.timer);
  announce.timer = setTimeout(() => { status.textContent = ''; }, 8000);
}

/** Shows a problem at the top of a form or page, and moves there; null takes it away. */
export function showProblem(place, text) {
  place.querySelector(':scope > .problem')?.remove();
  if (text) {
    const problem = element('p', { class: 'problem', role: 'alert', tabindex: '-1' }, text);
    place.prepend(problem);
    problem.focus();
  }
}

/** A field with its label; help is read with it. */
export function field(label, control, help) {
  const text = help ? element('span', { class: 'help', id: `${control.id}-help` }, help) : null;
  if (text) {
    control.setAttribute('aria-describedby', text.id);
  }
  return element('div', { class: 'field' }, element('label', { for: control.id }, label), control, text);
}

/** A box to tick, or one of several, with its label. */
export const choice = (label, control) => element('div', { class: 'choice' }, control, element('label', { for: control.id }, label));

/** Opens a dialog that goes when it is closed; the focus then goes back to where it was. Dialogs are named by their heading. */
export function openDialog(heading, ...content) {
  const back = document.activeElement;
  const id = `dialog-${openDialog.count = (openDialog.count ?? 0) + 1}`;
  const dialog = element('dialog', { 'aria-labelledby': id }, element('h2', { id }, heading), content);
  dialog.addEventListener('close', () => {
    dialog.remove();
    (back?.isConnected ? back : byId('main')).focus();
  });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/** Asks whether to do what cannot be undone. Cancel has the focus. */
export function confirm(heading, text, action) {
  return new Promise(resolve => {
    const cancel = element('button', { type: 'button', autofocus: true, click: () => dialog.close() }, 'Cancel');
    const go = element('button', { type: 'button', class: 'danger', click: () => dialog.close('yes') }, action);
    const dialog = openDialog(heading, element('p', {}, text), element('p', { class: 'actions' }, cancel, go));
    dialog.addEventListener('close', () => resolve(dialog.returnValue === 'yes'));
  });
}

/** A moment as people read it, in an element that programs read, too. */
export function time(text) {
  return element('time', { datetime: text }, new Date(text).toLocaleString());
}
