// Shows schemas: a short type, a table of fields that opens where fields have fields, and an example.

import { el, prose, table, words } from './dom.js';

const DEEPEST = 6;

export class Schemas {
  constructor(document) {
    this.document = document;
  }

  /** What a reference leads to; anything else is itself. */
  resolve(schema) {
    const path = schema?.$ref?.replace(/^#\//, '').split('/');
    return path ? path.reduce((at, name) => at?.[name], this.document) ?? {} : schema ?? {};
  }

  name(schema) {
    const name = schema?.$ref?.split('/').pop();
    return name && decodeURIComponent(name);
  }

  /** The type in a few words, with a link where it has a name. */
  type(schema) {
    const name = this.name(schema);
    if (name) return el('a', { href: `#/schema/${encodeURIComponent(name)}` }, name);
    if (!schema) return 'anything';
    const choices = schema.anyOf ?? schema.oneOf ?? schema.allOf;
    if (choices) return choices.flatMap((one, index) => (index ? [' | ', this.type(one)] : [this.type(one)]));
    if (schema.type === 'array') return [this.type(schema.items), '[]'];
    if (schema.additionalProperties && !schema.properties) return ['map of ', this.type(schema.additionalProperties)];
    const kind = [schema.type ?? 'anything'].flat().join(' | ');
    return schema.format ? `${kind} (${schema.format})` : kind;
  }

  /** What bounds a value. */
  bounds(schema) {
    const told = [];
    if (schema.enum) told.push(['one of ', schema.enum.map((one, index) => [index ? ', ' : '', el('code', {}, String(one))])]);
    if (schema.minimum != null) told.push(`at least ${schema.minimum}`);
    if (schema.maximum != null) told.push(`at most ${schema.maximum}`);
    if (schema.pattern) told.push(['like ', el('code', {}, schema.pattern)]);
    if (schema.default != null) told.push(['default ', el('code', {}, JSON.stringify(schema.default))]);
    return told.map((one) => el('div', { class: 'note' }, one));
  }

  /** The fields of an object, or of the objects of a list. */
  fields(schema, depth = 0) {
    const whole = this.resolve(schema);
    if (whole.type === 'array') return this.fields(whole.items, depth);
    const choices = whole.anyOf ?? whole.oneOf ?? whole.allOf;
    if (choices) return choices.map((one) => this.fields(one, depth));
    if (!whole.properties) return this.bounds(whole);
    const required = new Set(whole.required ?? []);
    const rows = Object.entries(whole.properties).map(([name, field]) => [
      [el('code', {}, name), required.has(name) && el('span', { class: 'must', title: 'required' }, ' *')],
      this.type(field),
      [words(field.description ?? this.resolve(field).description), this.bounds(this.resolve(field)), this.inner(field, depth)],
    ]);
    return rows.length ? table(['field', 'type', ''], rows) : el('p', { class: 'note' }, 'No fields.');
  }

  // Filled when it is opened: messages may hold themselves.
  inner(field, depth) {
    let whole = this.resolve(field);
    if (whole.type === 'array') whole = this.resolve(whole.items);
    if (!whole.properties || depth >= DEEPEST) return null;
    const details = el('details', {}, el('summary', {}, 'fields'));
    details.addEventListener('toggle', () => {
      if (details.open && details.childElementCount === 1) details.append(...[this.fields(whole, depth + 1)].flat());
    });
    return details;
  }

  page(name) {
    const schema = this.document.components.schemas[name];
    if (!schema) return [el('h1', {}, 'No such schema')];
    return [
      el('h1', {}, name), prose(schema.description), this.fields(schema),
      el('h2', {}, 'Example'), el('pre', {}, JSON.stringify(this.example(schema), null, 2)),
    ];
  }

  /** A value that fits, as far as the schema tells. */
  example(schema, depth = 0) {
    const whole = this.resolve(schema);
    const given = schema?.example ?? whole.example ?? whole.examples?.[0] ?? whole.default;
    if (given !== undefined) return given;
    if (whole.enum) return whole.enum.find((one) => !String(one).includes('UNSPECIFIED')) ?? whole.enum[0];
    const choices = whole.anyOf ?? whole.oneOf ?? whole.allOf;
    if (choices) return this.example(choices[0], depth);
    const kind = [whole.type].flat()[0];
    if (kind === 'array') return depth > DEEPEST ? [] : [this.example(whole.items, depth + 1)];
    if (kind === 'boolean') return false;
    if (kind === 'integer' || kind === 'number') return whole.minimum ?? 0;
    if (kind === 'string') return { 'date-time': '2026-01-31T12:00:00Z', email: 'ada@example.com' }[whole.format] ?? '';
    if (depth > DEEPEST) return {};
    const fields = Object.entries(whole.properties ?? {});
    return Object.fromEntries(fields.map(([name, field]) => [name, this.example(field, depth + 1)]));
  }
}
