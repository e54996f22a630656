// Numbers and sizes as people read them, and parts of the document. Text from outside only ever becomes textContent.

const whole = new Intl.NumberFormat('en', {maximumFractionDigits: 0});
const oneDigit = new Intl.NumberFormat('en', {minimumFractionDigits: 1, maximumFractionDigits: 1});

function number(n) {
  return whole.format(n);
}

/** A rate: with a decimal while it is small. */
function rate(n) {
  return n > 0 && n < 99.5 ? oneDigit.format(n) : whole.format(n);
}

/** A share from 0 to 1; never 100 % or 0 % unless it is. */
function percent(share) {
  const p = share * 100;
  return p > 99.5 && p < 100 ? '99.' + Math.min(9, Math.floor((p - 99) * 10)) + ' %'
      : p > 0 && p < 9.95 ? oneDigit.format(p) + ' %' : whole.format(p) + ' %';
}

/** Bytes with a binary unit, as the server writes them. */
function bytes(n) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  let value = n;
  while (value >= 1023.95 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return (unit === 0 ? whole.format(value) : oneDigit.format(value)) + ' ' + units[unit];
}

/** A number and its unit, which is set smaller. */
function withUnit(target, value, unit) {
  const small = document.createElement('small');
  small.textContent = unit;
  target.replaceChildren(value, small);
}

function say(target, text) {
  if (target.textContent !== text) {
    target.textContent = text;
  }
}

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) {
    made.className = className;
  }
  if (text !== undefined) {
    made.textContent = text;
  }
  return made;
}

function svg(tag, attributes) {
  const made = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) {
    made.setAttribute(name, value);
  }
  return made;
}

/** The parts of a clone of a template, by their data-is. */
function parts(root) {
  const found = {};
  for (const part of root.querySelectorAll('[data-is]')) {
    found[part.dataset.is] = part;
  }
  return found;
}

/** A colour of the theme. */
function theme(name) {
  return getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim();
}
