// Saves a user's changes with optimistic concurrency. If another user has changed the resource meanwhile, shows the differences and
// lets the user choose.
import { call } from './api.js';
import { element } from './dom.js';

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

/**
 * Changes a resource.
 * place: the element in which a conflict is shown. was: the resource on which the changes are based; etag: its revision. fields: by key,
 * the display name of a field and a function that formats its value. body: the new values. Returns the current resource, and whether
 * the changes were saved.
 */
export async function save({ place, method = 'PATCH', path, was, etag, fields, body }) {
  for (;;) {
    try {
      const saved = await call(method, path, { body, etag });
      return { resource: saved, etag: saved.etag, isSaved: true };
    } catch (problem) {
      if (problem.status !== 412) {
        throw problem;
      }
    }
    const now = await call('GET', path);
    const differences = Object.entries(fields)
      .filter(([key]) => !same(was[key], now[key]))
      .map(([key, [name, write]]) => [name, write(now[key]), key in body ? write(body[key]) : null]);

    // Without differences, only fields were changed that this page does not show, so the changes are saved without asking.
    if (differences.length > 0 && !await ask(place, differences)) {
      return { resource: now, etag: now.etag, isSaved: false };
    }
    etag = now.etag;
    was = now;
  }
}

/** Returns the values that differ from the resource as it was loaded. */
export const changesOf = (was, values) => Object.fromEntries(Object.entries(values).filter(([key, value]) => !same(was[key], value)));

function ask(place, differences) {
  return new Promise(resolve => {
    place.querySelector(':scope > .conflict')?.remove();
    const answer = mine => () => {
      notice.remove();
      resolve(mine);
    };
    const notice = element('div', { class: 'notice conflict', role: 'alert', tabindex: '-1' },
      element('p', {}, element('strong', {}, 'Somebody else has changed this meanwhile. Your changes are not saved.')),
      element('ul', {}, differences.map(([name, now, mine]) => element('li', {},
        `${name} is now ${quote(now)}`, mine === null || mine === now ? '.' : `; yours is ${quote(mine)}.`))),
      element('p', { class: 'actions' },
        element('button', { type: 'button', click: answer(true) }, 'Save mine all the same'),
        element('button', { type: 'button', click: answer(false) }, 'Take what is there')));
    place.prepend(notice);
    notice.focus();
  });
}

const quote = text => text === '' ? 'empty' : `“${text}”`;
