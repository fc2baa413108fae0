// A form that makes a call and shows its answer: JSON, events as they come, pictures, or a file to keep.

import { copyButton, el } from './dom.js';

const MOST_TEXT = 1_000_000;

export function callForm(schemas, { method, path, spec }) {
  const inputs = (spec.parameters ?? []).map((one) => {
    const options = schemas.resolve(one.schema).enum;
    const control = options
      ? el('select', {}, ['', ...options.filter((one) => !one.endsWith('_UNSPECIFIED'))].map((value) => el('option', {}, value)))
      : el('input', { type: 'text', autocomplete: 'off', required: one.in === 'path' });
    return { ...one, control };
  });
  const body = bodyControl(schemas, spec);
  const result = el('div', { 'aria-live': 'polite' });
  const stop = el('button', { type: 'button', class: 'quiet', hidden: true }, 'Stop');
  const build = () => request(method, path, inputs, body);
  const form = el('form', {},
    inputs.map(({ name, control }) => el('label', {}, el('code', {}, name), control)),
    body && el('label', { class: 'tall' }, el('code', {}, 'body'), body.control),
    el('p', {}, el('button', { type: 'submit' }, 'Send'), ' ', stop, ' ', copyButton(() => curl(build())), el('span', { class: 'note' }, ' as curl, token left out')),
    result);
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const leaving = new AbortController();
    stop.hidden = false;
    stop.onclick = () => leaving.abort();
    result.replaceChildren(el('p', { class: 'note' }, 'Waiting…'));
    try {
      await send(build(), leaving.signal, result);
    } catch (error) {
      result.append(el('p', { class: 'note' }, error.name === 'AbortError' ? 'Stopped.' : `No answer: ${error.message}`));
    }
    stop.hidden = true;
  });
  return form;
}

function bodyControl(schemas, spec) {
  const content = spec.requestBody?.content;
  if (!content) return null;
  const json = content['application/json'];
  if (!json) return { control: el('input', { type: 'file' }), isFile: true };
  const control = el('textarea', { spellcheck: 'false', rows: 14 });
  control.value = JSON.stringify(schemas.example(json.schema), null, 2);
  return { control, isFile: false };
}

/** What is asked; the token is added when it is sent. */
function request(method, path, inputs, body) {
  const given = inputs.filter((one) => one.control.value !== '');
  let address = path;
  const query = new URLSearchParams();
  const headers = {};
  for (const { name, in: place, control } of given) {
    if (place === 'path') address = address.replace(new RegExp(`\\{${name}(=[^}]*)?\\}`), encodeURIComponent(control.value));
    if (place === 'query') query.append(name, control.value);
    if (place === 'header') headers[name] = control.value;
  }
  const asked = { method: method.toUpperCase(), url: address + (query.size ? `?${query}` : ''), headers };
  if (!body) return asked;
  const content = body.isFile ? body.control.files[0] : body.control.value;
  headers['content-type'] = body.isFile ? content?.type || 'application/octet-stream' : 'application/json';
  return { ...asked, body: content };
}

async function send({ method, url, headers, body }, signal, result) {
  const token = document.getElementById('token').value.trim();
  const began = performance.now();
  const answer = await fetch(url, {
    method, body, signal, cache: 'no-store', credentials: 'omit',
    headers: token ? { ...headers, authorization: `Bearer ${token}` } : headers,
  });
  const took = Math.round(performance.now() - began);
  result.replaceChildren(
    el('p', {}, el('span', { class: `status ${answer.ok ? 'good' : 'bad'}` }, String(answer.status)), ` in ${took} ms`),
    el('details', {}, el('summary', {}, 'headers'), el('pre', {}, [...answer.headers].map((pair) => pair.join(': ')).join('\n'))));
  await show(answer, result);
}

async function show(answer, result) {
  const type = answer.headers.get('content-type') ?? '';
  if (/json|text/.test(type)) return showText(answer, type, result);
  const bytes = await answer.blob();
  if (!bytes.size) return undefined;
  const address = URL.createObjectURL(bytes);
  if (type.startsWith('image/')) result.append(el('img', { src: address, alt: 'the answer' }));
  result.append(el('p', {}, el('a', { href: address, download: 'answer' }, `Save ${bytes.size} bytes`)));
  return undefined;
}

// As it comes: a stream is read while it is made.
async function showText(answer, type, result) {
  const out = el('pre', {});
  result.append(out);
  let text = '';
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
    text += piece.value;
    out.textContent = text.slice(-MOST_TEXT);
  }
  if (!type.startsWith('application/json')) return;
  try {
    const value = JSON.parse(text);
    out.textContent = JSON.stringify(value, null, 2).slice(0, MOST_TEXT);
    offerToken(value, result);
  } catch {
    // What is no JSON stays as it came.
  }
}

function offerToken(value, result) {
  const token = value?.accessToken ?? value?.tokens?.accessToken;
  if (typeof token !== 'string') return;
  const use = el('button', { type: 'button' }, 'Use this access token');
  use.addEventListener('click', () => {
    const field = document.getElementById('token');
    field.value = token;
    field.dispatchEvent(new Event('input'));
    use.textContent = 'In use';
  });
  result.append(el('p', {}, use));
}

function curl({ method, url, headers, body }) {
  const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
  const lines = [`curl -X ${method} ${quoted(location.origin + url)}`];
  lines.push('-H "authorization: Bearer $TOKEN"');
  for (const [name, value] of Object.entries(headers)) lines.push(`-H ${quoted(`${name}: ${value}`)}`);
  if (typeof body === 'string') lines.push(`-d ${quoted(body)}`);
  else if (body) lines.push(`--data-binary ${quoted(`@${body.name}`)}`);
  return lines.join(' \\\n  ');
}
