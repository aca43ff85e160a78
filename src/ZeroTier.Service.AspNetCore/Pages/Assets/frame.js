// The frame of every page: marks the current page in the navigation, and shows the signed-in user.
import { call, pause, resume } from './api.js';
import { announce, byId, element } from './dom.js';

for (const link of document.querySelectorAll('.bar nav a')) {
  if (new URL(link.href).pathname === location.pathname) {
    link.setAttribute('aria-current', 'page');
  }
}

async function signOut() {
  await pause();
  try {
    await call('DELETE', 'session');
    location.assign('./');
  } catch (problem) {
    announce(problem.message);
    resume();
  }
}

call('GET', 'session', { refresh: true }).then(session => byId('who').append(
  session.user ?? '',
  session.signsOut ? element('button', { type: 'button', click: signOut }, 'Sign out') : ''), () => {});
