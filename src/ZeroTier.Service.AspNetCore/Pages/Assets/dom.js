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
  made.append(...children.flat(Infinity).filter(child => child !== null && child !== undefined && child !== false));
  return made;
}

/** The element of an id. */
export const byId = id => document.getElementById(id);

/** Says something to those who see and those who listen. It stays until something is done: people read at their own pace. */
export function announce(text) {
  byId('status').textContent = text;
}

for (const action of ['pointerdown', 'keydown']) {
  document.addEventListener(action, () => announce(''), { capture: true });
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

/** Where the focus is, for lists that are made anew: elements with data-focus have a name of their own. */
export const focusName = () => document.activeElement?.dataset?.focus;

/** Gives the focus to the element of that name, or to another. */
export function focusAgain(name, otherwise = byId('main')) {
  const found = name === undefined ? null : document.querySelector(`[data-focus="${CSS.escape(name)}"]`);
  (found ?? otherwise).focus();
}

/** Opens a dialog that goes when it is closed; the focus then goes back to where it was. Dialogs are named by their heading. */
export function openDialog(heading, ...content) {
  const back = document.activeElement;
  const name = focusName();
  const id = `dialog-${openDialog.count = (openDialog.count ?? 0) + 1}`;
  const dialog = element('dialog', { 'aria-labelledby': id }, element('h2', { id }, heading), content);
  dialog.addEventListener('close', () => {
    dialog.remove();
    focusAgain(name, back?.isConnected ? back : undefined);
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
