// Calls to the folder of the pages. Changes name the revision that they build on, so that none is lost.
import { element, openDialog } from './dom.js';

/** An answer that is no success: its status, its text for people, and what else it says. */
export class Problem extends Error {
  constructor(status, body) {
    super(body?.detail ?? body?.title ?? `The controller answered with status ${status}.`);
    this.status = status;
    this.body = body;
  }
}

/** Calls; refresh: the page follows what happens, nobody is at work. Gives the body, with the revision as etag. */
export async function call(method, path, { body, etag, isNew, refresh } = {}) {
  const headers = { 'X-ZeroTier-Page': refresh ? 'refresh' : 'use' };
  if (body !== undefined) {
    headers['Content-Type'] = 'application/json';
  }
  if (etag) {
    headers['If-Match'] = etag;
  }
  if (isNew) {
    headers['If-None-Match'] = '*';
  }
  let response;
  try {
    response = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  } catch {
    throw new Problem(0, { detail: 'The app does not answer. Is it running? Nothing was changed; try again.' });
  }
  const isJson = response.headers.get('Content-Type')?.includes('json');
  const answer = isJson ? await response.json() : null;
  if (response.status === 401) {
    tellSessionEnded();
  }
  if (!response.ok) {
    throw new Problem(response.status, response.status === 401 ? { detail: 'Your session has ended. Sign in again.' } : answer);
  }
  return answer === null ? null : Object.defineProperty(answer, 'etag', { value: response.headers.get('ETag') });
}

// What was typed stays: the sign-in opens beside this page.
function tellSessionEnded() {
  if (tellSessionEnded.dialog?.open) {
    return;
  }
  const signIn = element('a', { href: './', target: '_blank' }, 'Sign in again in a new tab');
  const goOn = element('button', { type: 'button', click: () => tellSessionEnded.dialog.close() }, 'Go on');
  tellSessionEnded.dialog = openDialog(
    'Your session has ended',
    element('p', {}, signIn, ', then go on here. What you have typed is still there.'),
    element('p', { class: 'actions' }, goOn));
  tellSessionEnded.dialog.addEventListener('close', resume);
}

const followers = [];

/** Follows nothing for now, as before signing out. */
export const pause = () => followers.forEach(follower => follower.close());

/** Goes on following. */
export const resume = () => followers.forEach(follower => follower.update());

/** Follows server-sent events while the page is seen. Listeners by type; ready comes first, and again after each gap: read anew then. */
export function follow(path, listeners) {
  let source = null;
  const close = () => {
    source?.close();
    source = null;
  };
  const update = () => {
    if (document.hidden) {
      close();
    } else if (source === null) {
      source = new EventSource(path);
      for (const [type, listener] of Object.entries(listeners)) {
        source.addEventListener(type, message => listener(JSON.parse(message.data)));
      }
      source.addEventListener('error', () => {
        // The browser tries again by itself unless it was refused.
        if (source?.readyState === EventSource.CLOSED) {
          source = null;
          call('GET', 'session', { refresh: true }).then(() => setTimeout(update, 5000), () => setTimeout(update, 30000));
        }
      });
    }
  };
  followers.push({ close, update });
  document.addEventListener('visibilitychange', update);
  update();
}
