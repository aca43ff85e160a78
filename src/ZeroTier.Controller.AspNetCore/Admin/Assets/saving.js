// Saves what a person has changed, on top of what they have seen. Where somebody else was faster, says so in words and lets them choose.
import { call } from './api.js';
import { element } from './dom.js';

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

/**
 * Changes a resource.
 * place: where a conflict is shown. was: the resource as it was seen; etag: its revision. fields: what may be changed, by key: its name,
 * and how it is written for people. body: the new values. Gives the resource as it is then, and whether the changes are in it.
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

    // Without differences somebody has changed what this page does not show.
    if (differences.length > 0 && !await ask(place, differences)) {
      return { resource: now, etag: now.etag, isSaved: false };
    }
    etag = now.etag;
    was = now;
  }
}

/** Only what differs from what was seen. */
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
