// Shows one operation: what it takes, what it answers, how it fails, and a form that calls it.

import { callForm } from './call.js';
import { el, prose, table, words } from './dom.js';

export function operationPage(schemas, operation) {
  const { method, path, spec } = operation;
  return [
    el('h1', {}, words(spec.summary ?? spec.operationId)),
    el('p', { class: 'address' }, el('span', { class: `method ${method}` }, method.toUpperCase()), el('code', {}, path)),
    prose(spec.description),
    el('p', { class: 'note' }, spec.security?.length ? 'Needs an access token.' : 'Needs no access token.',
      ' Also called as ', el('code', {}, rpcOf(spec)), ' in gRPC, gRPC-Web and Connect.'),
    parameters(schemas, spec),
    requestBody(schemas, spec),
    el('h2', {}, 'Try it'), callForm(schemas, operation),
    el('h2', {}, 'Answers'), answers(schemas, spec),
  ];
}

function rpcOf(spec) {
  return (spec.operationId ?? '').replace('_', '.');
}

function parameters(schemas, spec) {
  if (!spec.parameters?.length) return null;
  const rows = spec.parameters.map((one) => [
    [el('code', {}, one.name), one.required && el('span', { class: 'must', title: 'required' }, ' *')],
    one.in, schemas.type(one.schema),
    [words(one.description), schemas.bounds(schemas.resolve(one.schema))],
  ]);
  return [el('h2', {}, 'Parameters'), table(['name', 'in', 'type', ''], rows)];
}

function requestBody(schemas, spec) {
  const content = Object.entries(spec.requestBody?.content ?? {});
  if (!content.length) return null;
  return [
    el('h2', {}, 'Body'), prose(spec.requestBody.description),
    content.map(([type, { schema }]) => [
      el('h3', {}, el('code', {}, type), ' ', schemas.type(schema)),
      prose(schemas.resolve(schema).description), schemas.fields(schema),
    ]),
  ];
}

function answers(schemas, spec) {
  const all = Object.entries(spec.responses).map(([status, given]) => [status, schemas.resolve(given)]);
  const good = all.filter(([status]) => status < 400).map(([status, answer]) => [
    el('h3', {}, el('span', { class: 'status good' }, status), ' ', answer.description),
    Object.entries(answer.content ?? {}).map(([type, { schema }]) => el('p', {}, el('code', {}, type), ' ', schemas.type(schema))),
    firstFields(schemas, answer),
  ]);
  const bad = all.filter(([status]) => status >= 400);
  const rows = bad.map(([status, answer]) => [el('span', { class: 'status bad' }, status), words(answer.description)]);
  return [
    good, rows.length && el('h3', {}, 'Failures'), rows.length && table(['status', ''], rows),
    el('p', { class: 'note' }, 'All failures have ', el('a', { href: '#/schema/Error' }, 'one body'), '; ',
      el('a', { href: '#/errors' }, 'every reason'), ' with what to do about it.'),
  ];
}

function firstFields(schemas, answer) {
  const [first] = Object.values(answer.content ?? {});
  return first?.schema && schemas.fields(first.schema);
}
