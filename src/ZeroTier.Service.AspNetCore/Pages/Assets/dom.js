// Creates elements. Text is never parsed as HTML, so markup in a name is displayed and not interpreted (no script injection).

/** Creates an element. Attributes that are functions become event listeners; null and false are omitted. Children: elements or text. */
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

/** Returns the element with an id. */
export const byId = id => document.getElementById(id);

/** Shows a message in the page's live region, which screen readers announce. It remains until the next click or key press. */
export function announce(text) {
  byId('status').textContent = text;
}

for (const action of ['pointerdown', 'keydown']) {
  document.addEventListener(action, () => announce(''), { capture: true });
}

/** Shows an error message at the top of a form or page and gives it the focus; null removes the message. */
export function showProblem(place, text) {
  place.querySelector(':scope > .problem')?.remove();
  if (text) {
    const problem = element('p', { class: 'problem', role: 'alert', tabindex: '-1' }, text);
    place.prepend(problem);
    problem.focus();
  }
}

/** Creates a form field with its label; screen readers read the help text with the field. */
export function field(label, control, help) {
  const text = help ? element('span', { class: 'help', id: `${control.id}-help` }, help) : null;
  if (text) {
    control.setAttribute('aria-describedby', text.id);
  }
  return element('div', { class: 'field' }, element('label', { for: control.id }, label), control, text);
}

/** Creates a check box or radio button with its label. */
export const choice = (label, control) => element('div', { class: 'choice' }, control, element('label', { for: control.id }, label));

/** Returns the data-focus value of the focused element, to restore the focus after a list has been rebuilt. */
export const focusName = () => document.activeElement?.dataset?.focus;

/** Gives the focus to the element with this data-focus value; to another element if there is none. */
export function focusAgain(name, otherwise = byId('main')) {
  const found = name === undefined ? null : document.querySelector(`[data-focus="${CSS.escape(name)}"]`);
  (found ?? otherwise).focus();
}

/** Opens a modal dialog, labelled by its heading. Closing removes it and returns the focus to where it was. */
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

/** Asks for confirmation of an action that cannot be undone. Cancel has the focus. */
export function confirm(heading, text, action) {
  return new Promise(resolve => {
    const cancel = element('button', { type: 'button', autofocus: true, click: () => dialog.close() }, 'Cancel');
    const go = element('button', { type: 'button', class: 'danger', click: () => dialog.close('yes') }, action);
    const dialog = openDialog(heading, element('p', {}, text), element('p', { class: 'actions' }, cancel, go));
    dialog.addEventListener('close', () => resolve(dialog.returnValue === 'yes'));
  });
}

/** Formats a time for the user's locale, in a time element with the machine-readable value. */
export function time(text) {
  return element('time', { datetime: text }, new Date(text).toLocaleString());
}
