// The page as a whole: its models, its sinks, its link to the server and its theme.

const at = (id) => document.getElementById(id);
const base = location.pathname.replace(/\/dashboard\/?$/, '');
const cards = new Map(); // by name and version
let changes = {allowed: false, reason: ''};
let retryAt = 0;

const act = {
  url: (name) => base + '/models/' + encodeURIComponent(name) + '/budget',
  allowed: () => ({yes: changes.allowed, reason: changes.reason || ''}),
};

function onEvent(name, data) {
  if (name === 'hello') {
    changes = data.budget_changes;
    say(at('version'), 'Greenroom ' + data.version);
    return;
  }
  if (name === 'snapshot') {
    arrange(data.models);
  }
  const byInstance = new Map([...cards.values()].map((card) => [card.instance, card]));
  for (const model of data.models) {
    if (name === 'snapshot') {
      cards.get(keyOf(model)).snapshot(data.time, model);
    } else if (byInstance.has(model.instance)) {
      byInstance.get(model.instance).update(data.time, model);
    }
  }
  showSinks(data.telemetry.sinks);
  say(at('clock'), new Date(data.time).toLocaleTimeString());
  document.documentElement.dataset.frames = Number(document.documentElement.dataset.frames || 0) + 1;
}

function keyOf(model) {
  return model.name + '\u0000' + (model.version || '');
}

/** Adds and removes cards, so that there is one for each model, in the server's order. */
function arrange(models) {
  const wanted = new Map(models.map((model) => [keyOf(model), model]));
  for (const [key, card] of [...cards]) {
    if (!wanted.has(key) || shapeOf(wanted.get(key)) !== card.shape) {
      card.root.remove();
      cards.delete(key);
    }
  }
  const links = [];
  for (const [key, model] of wanted) {
    if (!cards.has(key)) {
      cards.set(key, new ModelCard(at('model'), model, act));
    }
    const card = cards.get(key);
    card.root.id = 'model-' + (links.length + 1);
    at('models').append(card.root);
    const link = element('a', '', model.name);
    link.href = '#' + card.root.id;
    links.push(link);
  }
  at('contents').replaceChildren(...(links.length > 1 ? links : []));
  at('empty').hidden = models.length > 0;
  document.title = models.length === 1 ? models[0].name + ' · Greenroom' : 'Greenroom';
}

function showSinks(sinks) {
  at('telemetry').hidden = sinks.length === 0;
  const rows = sinks.map((sink) => {
    const row = element('tr');
    const name = element('th', '', sink.name);
    name.scope = 'row';
    const state = element('td', '', sink.state);
    if (sink.last_failure) {
      state.append(element('span', 'why', 'last failure: ' + sink.last_failure));
    }
    row.append(name, state);
    for (const [label, value] of [['delivered', sink.delivered], ['waiting', sink.queued], ['failed', sink.failed],
      ['dropped', sink.dropped]]) {
      const cell = element('td', 'n', number(value));
      cell.dataset.label = label;
      row.append(cell);
    }
    return row;
  });
  at('sinks').replaceChildren(...rows);
}

function onLink(state, reason, when) {
  const before = document.documentElement.dataset.link;
  // While it tries again, what is wrong stays written.
  if (state === 'connecting' && before === 'waiting') {
    retryAt = 0;
    say(at('countdown'), '');
    return;
  }
  document.documentElement.dataset.link = state;
  retryAt = when;
  say(at('link'), state === 'waiting' ? reason : state);
  at('retry').hidden = state !== 'waiting';
  countDown();
}

function countDown() {
  const seconds = Math.max(0, Math.ceil((retryAt - Date.now()) / 1000));
  say(at('countdown'), retryAt === 0 ? '' : 'Trying again in ' + seconds + ' s.');
}

const THEMES = ['auto', 'light', 'dark'];

function setTheme(name) {
  if (name === 'auto') {
    delete document.documentElement.dataset.theme;
  } else {
    document.documentElement.dataset.theme = name;
  }
  say(at('theme-name'), name);
  at('theme').setAttribute('aria-label', 'Theme: ' + name);
  cards.forEach((card) => card.map.draw());
}

function storedTheme() {
  try {
    const stored = localStorage.getItem('greenroom-theme');
    return THEMES.includes(stored) ? stored : 'auto';
  } catch (forbidden) {
    return 'auto';
  }
}

let current = storedTheme();
setTheme(current);
at('theme').addEventListener('click', () => {
  current = THEMES[(THEMES.indexOf(current) + 1) % THEMES.length];
  try {
    localStorage.setItem('greenroom-theme', current);
  } catch (forbidden) {
    // Then it lasts as long as the page.
  }
  setTheme(current);
});
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => setTheme(current));
say(at('origin'), location.origin);
setInterval(countDown, 1000);
const stream = new Stream(base + '/events', {event: onEvent, link: onLink});
at('retry').addEventListener('click', () => stream.retryNow());
