// Requests to the API of the pages. Updates send the revision that they are based on (If-Match), so that no update is lost.
import { element, openDialog } from './dom.js';

/** An error response: status, message, and body. Status 0 means that there was no response. */
export class Problem extends Error {
  constructor(status, body) {
    super(body?.detail ?? body?.title ?? `The controller answered with status ${status}.`);
    this.status = status;
    this.body = body;
  }
}

const underWay = new Set();

/** Sends a request. refresh: sent by the page itself and not by a user's action. Returns the body, with its revision as property etag. */
export async function call(method, path, options = {}) {
  const request = send(method, path, options);
  underWay.add(request);
  try {
    return await request;
  } finally {
    underWay.delete(request);
  }
}

async function send(method, path, { body, etag, isNew, refresh }) {
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

// Opens the sign-in in a new tab, so that input on this page is not lost.
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

/**
 * Closes all event streams and waits until every request has its answer, for example before signing out: what is under way then would be
 * refused.
 */
export async function pause() {
  followers.forEach(follower => follower.close());
  while (underWay.size > 0) {
    await Promise.allSettled(underWay);
    // Whoever has got an answer may ask for the rest.
    await new Promise(resolve => setTimeout(resolve));
  }
}

/** Opens all event streams again. */
export const resume = () => followers.forEach(follower => follower.update());

/**
 * Receives server-sent events while the page is visible. listeners: functions by event type. The event ready comes first and after each
 * reconnection: reload the data then, because events may have been missed.
 */
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
        // The browser reconnects by itself, except after an error response.
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
