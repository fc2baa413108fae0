// Makes elements. Text is always text, never markup: nothing an answer says can become part of the page.

export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, '');
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children.flat(Infinity).filter((child) => child != null && child !== false));
  return node;
}

/** A description: paragraphs, lines that begin with "- ", and `code`. */
export function prose(text) {
  const blocks = (text ?? '').split('\n\n').filter(Boolean);
  return blocks.map((block) => {
    if (!block.startsWith('- ')) return el('p', {}, words(block));
    return el('ul', {}, block.split('\n').map((line) => el('li', {}, words(line.replace(/^- /, '')))));
  });
}

/** One line with `code`. */
export function words(text) {
  return (text ?? '').split('`').map((part, index) => (index % 2 ? el('code', {}, part) : part));
}

export function table(head, rows) {
  return el('div', { class: 'wide' }, el('table', {},
    el('thead', {}, el('tr', {}, head.map((name) => el('th', {}, name)))),
    el('tbody', {}, rows.map((cells) => el('tr', {}, cells.map((cell) => el('td', {}, cell)))))));
}

export function copyButton(text) {
  const button = el('button', { type: 'button', class: 'quiet' }, 'Copy');
  button.addEventListener('click', async () => {
    // Browsers have no clipboard for pages over plain HTTP, but from this machine.
    const done = await navigator.clipboard?.writeText(text()).then(() => true, () => false);
    button.textContent = done ? 'Copied' : 'Needs HTTPS';
    setTimeout(() => { button.textContent = 'Copy'; }, 1500);
  });
  return button;
}
