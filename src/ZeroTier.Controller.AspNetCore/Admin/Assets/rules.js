// The editor for a network's rules as text. It compiles them while the user types.
import { call } from './api.js';
import { announce, byId, element, showProblem } from './dom.js';
import { path, showNetwork } from './network.js';
import { save } from './saving.js';

const checkDelay = 400;
const fields = { text: ['The text of the rules', value => value ?? ''] };
const form = byId('rules');
const source = byId('source');
const gutter = byId('lines');
let seen = null;
let etag = null;
let wrong = new Set();
let edits = 0;

function number() {
  const count = source.value.split('\n').length;
  const numbers = Array.from({ length: count }, (_, at) => at + 1);
  gutter.replaceChildren(...numbers.map(line => element('div', { class: wrong.has(line) && 'wrong' }, String(line))));
  gutter.scrollTop = source.scrollTop;
}

function goTo({ line, column }) {
  const before = source.value.split('\n').slice(0, line - 1).reduce((sum, text) => sum + text.length + 1, 0);
  const end = source.value.indexOf('\n', before);
  source.focus();
  source.setSelectionRange(before + column - 1, end < 0 ? source.value.length : end);
  source.scrollTop = Math.max(0, (line - 4) * source.scrollHeight / source.value.split('\n').length);
}

function show(errors) {
  wrong = new Set(errors.map(error => error.line));
  source.setAttribute('aria-invalid', String(errors.length > 0));
  byId('outcome').replaceChildren(
    errors.length === 0 ? element('p', { class: 'good' }, 'The rules compile.')
      : element('ul', { class: 'errors', 'aria-label': 'Errors' }, errors.map(error => element('li', {},
        element('button', { type: 'button', click: () => goTo(error) }, `Line ${error.line}, column ${error.column}: ${error.message}`)))));
  number();
}

/** Shows the compilation errors of a response; returns false if it has none. */
function showErrors(problem) {
  if (!problem.body?.errors) {
    return false;
  }
  show(problem.body.errors);
  return true;
}

async function check() {
  const edit = edits;
  try {
    await call('POST', 'api/rules/check', { body: { source: source.value } });
    if (edit === edits) {
      show([]);
    }
  } catch (problem) {
    // Said without taking the focus from the editor.
    if (edit === edits && !showErrors(problem)) {
      announce(problem.message);
    }
  }
}

function take(rules, tag) {
  seen = rules;
  etag = tag;
  byId('no-words').hidden = rules.text !== null;
}

let planned;
source.addEventListener('input', () => {
  edits++;
  number();
  clearTimeout(planned);
  planned = setTimeout(check, checkDelay);
});
source.addEventListener('scroll', () => { gutter.scrollTop = source.scrollTop; });

form.addEventListener('submit', async event => {
  event.preventDefault();
  try {
    clearTimeout(planned);
    edits++;
    showProblem(form, null);
    const result = await save({
      place: form, method: 'PUT', path: `${path}/rules`, was: seen, etag, fields, body: { source: source.value },
    });
    take(result.resource, result.etag);
    source.value = seen.text ?? '';
    show([]);
    announce(result.isSaved ? 'The rules are saved, and members are told.' : 'The rules are shown as they are now.');
  } catch (problem) {
    if (showErrors(problem)) {
      goTo(problem.body.errors[0]);
    } else {
      showProblem(form, problem.message);
    }
  }
});

if (await showNetwork()) {
  try {
    const rules = await call('GET', `${path}/rules`);
    take(rules, rules.etag);
    source.value = rules.text ?? '';
    number();
    form.hidden = false;
  } catch (problem) {
    showProblem(byId('main'), problem.message);
  }
}
