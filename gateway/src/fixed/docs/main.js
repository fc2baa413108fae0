// Reads the OpenAPI document of this gateway and shows what its address asks for: an operation, a schema, or the errors.

import { el, prose, table, words } from './dom.js';
import { operationPage } from './operation.js';
import { Schemas } from './schema.js';

const at = (id) => document.getElementById(id);
const METHODS = ['get', 'post', 'put', 'patch', 'delete'];

function operationsOf(spec) {
  return Object.entries(spec.paths).flatMap(([path, methods]) => METHODS
    .filter((method) => methods[method])
    .map((method) => ({ method, path, spec: methods[method] })));
}

function contents(spec, operations) {
  const link = (href, ...text) => el('a', { href }, text);
  const groups = spec.tags.map((tag) => [tag.name, operations.filter((one) => one.spec.tags?.includes(tag.name))]);
  return [
    link('#/errors', 'Errors'),
    groups.filter(([, all]) => all.length).map(([name, all]) => el('section', {}, el('h2', {}, name), all.map(({ method, path, spec: one }) => {
      const entry = link(`#/operation/${one.operationId}`, el('span', { class: `method ${method}` }, method.toUpperCase()), path);
      entry.dataset.text = `${method} ${path} ${one.operationId} ${one.summary}`.toLowerCase();
      entry.title = one.summary ?? '';
      return entry;
    }))),
    el('section', {}, el('h2', {}, 'Schemas'), Object.keys(spec.components.schemas).sort().map((name) => {
      const entry = link(`#/schema/${encodeURIComponent(name)}`, name);
      entry.dataset.text = name.toLowerCase();
      return entry;
    })),
  ];
}

function homePage(spec) {
  return [
    el('h1', {}, spec.info.title), prose(spec.info.description),
    el('p', {}, 'Sign in with an operation of AuthService, take the access token over from its answer, and call the others from here.'),
    table(['', ''], spec.tags.map((tag) => [tag.name, words(tag.description)])),
  ];
}

function errorsPage(spec) {
  const reasons = spec.components.schemas.Reason?.['x-reasons'] ?? [];
  return [
    el('h1', {}, 'Errors'),
    el('p', {}, 'Every failure has ', el('a', { href: '#/schema/Error' }, 'one body'), '; programs go by ', el('code', {}, 'error.details[0].reason'), '.'),
    table(['reason', 'HTTP', 'when', 'what to do'], reasons.map((one) => [
      el('code', {}, one.reason), String(one.status), words(one.when), words(one.advice)])),
  ];
}

function pageAt(address, spec, schemas, operations) {
  const [, kind, name = ''] = address.split('/');
  if (kind === 'schema') return schemas.page(decodeURIComponent(name));
  if (kind === 'errors') return errorsPage(spec);
  const found = operations.find((one) => kind === 'operation' && one.spec.operationId === name);
  return found ? operationPage(schemas, found) : homePage(spec);
}

function search(entries, text) {
  const wanted = text.toLowerCase().split(' ').filter(Boolean);
  for (const entry of entries) entry.hidden = !wanted.every((word) => (entry.dataset.text ?? '').includes(word));
  for (const section of at('contents').querySelectorAll('section')) section.hidden = !section.querySelector('a:not([hidden])');
}

function keepToken() {
  const field = at('token');
  field.value = sessionStorage.getItem('token') ?? '';
  field.addEventListener('input', () => sessionStorage.setItem('token', field.value.trim()));
}

function mark() {
  for (const link of at('contents').querySelectorAll('a')) {
    if (link.hash === location.hash) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
}

async function start() {
  const answer = await fetch('/openapi.json');
  if (!answer.ok) throw new Error(`/openapi.json answers ${answer.status}`);
  const spec = await answer.json();
  const schemas = new Schemas(spec);
  const operations = operationsOf(spec);
  document.title = at('title').textContent = spec.info.title;
  at('version').textContent = spec.info.version;
  at('contents').append(...contents(spec, operations).flat(Infinity));
  const entries = [...at('contents').querySelectorAll('section a')];
  at('search').addEventListener('input', () => search(entries, at('search').value));
  const go = () => {
    const address = location.hash.slice(1);
    at('main').replaceChildren(...pageAt(address, spec, schemas, operations).flat(Infinity).filter(Boolean));
    mark();
    scrollTo(0, 0);
  };
  addEventListener('hashchange', go);
  addEventListener('keydown', (event) => {
    if (event.key !== '/' || /INPUT|TEXTAREA|SELECT/.test(document.activeElement.tagName)) return;
    event.preventDefault();
    at('search').focus();
  });
  go();
}

keepToken();
start().catch((error) => at('main').replaceChildren(el('p', {}, `The document cannot be read: ${error.message}`)));
