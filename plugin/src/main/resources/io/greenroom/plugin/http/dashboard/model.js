// One model's part of the page.

class ModelCard {
  constructor(template, about, act) {
    this.root = template.content.firstElementChild.cloneNode(true);
    this.found = parts(this.root);
    this.history = new History();
    this.shape = shapeOf(about);
    this.name = about.name;
    say(this.found.name, about.name);
    this.root.setAttribute('aria-label', 'Model ' + about.name);
    this.root.dataset.model = about.name;
    say(this.found.about, (about.version ? 'version ' + about.version + ', ' : '')
        + about.layers_with_experts.length + ' layers of ' + about.experts_per_layer + ' experts, context '
        + number(about.context_length) + ', routing ' + about.routing + ', '
        + bytes(about.memory.dense_bytes + about.memory.kv_bytes) + ' besides experts');
    this.map = new HeatMap(this.found, about);
    this.charts = new Charts(this.found.charts, this.history);
    this.budget = new BudgetPanel(this.found, about, act);
  }

  /** Everything; also when this card has shown the model before. */
  snapshot(time, model) {
    this.instance = model.instance;
    this.map.snapshot(model.use, model.residents, model.copies);
    this.show(time, model);
  }

  /** What changed. */
  update(time, model) {
    this.map.update(model.use, model.residents, model.copies, model.interval ? model.interval.seconds : 1);
    this.show(time, model);
  }

  show(time, model) {
    this.history.add(time, model.interval);
    this.charts.draw();
    this.figures(model);
    this.prefetch(model.prefetch);
    this.found['copy-key'].hidden = model.copies === undefined;
    const minute = this.history.last(60);
    const visits = minute.hits + minute.misses;
    this.budget.update(model.memory, model.curve,
        {hits: model.cache.hits, misses: model.cache.misses, share: visits > 0 ? minute.hits / visits : null});
    this.root.dataset.slots = model.memory.slots;
    this.root.dataset.tokens = model.requests.tokens_out;
  }

  figures(model) {
    const found = this.found;
    const short = this.history.last(5);
    const minute = this.history.last(60);
    const requests = model.requests;
    say(found.load, number(requests.running) + (requests.running === 1 ? ' request running' : ' requests running')
        + (requests.queued > 0 ? ', ' + number(requests.queued) + ' waiting' : ''));
    say(found.speed, short.seconds > 0 ? rate(short.out / short.seconds) : '–');
    say(found['speed-note'], number(requests.tokens_out) + ' since load, '
        + (short.in > 0 ? rate(short.in / short.seconds) + ' prompt tokens/s' : number(requests.tokens_in) + ' of prompts'));
    const visits = minute.hits + minute.misses;
    const ever = model.cache.hits + model.cache.misses;
    share(found.hits, visits > 0 ? minute.hits / visits : null);
    say(found['hits-note'], visits > 0 ? 'last minute; since load '
        + percent(model.cache.hits / ever) : ever > 0 ? 'idle; since load ' + percent(model.cache.hits / ever) : 'no visits yet');
    share(found.stall, short.seconds > 0 ? short.stall / short.seconds : null);
    say(found['stall-note'], 'of the time');
    const read = bytes(short.seconds > 0 ? short.read / short.seconds : 0).split(' ');
    withUnit(found.read, read[0], read[1] + '/s');
    say(found['read-note'], number(model.cache.evictions) + ' evictions'
        + (model.cache.load_failures > 0 ? ', ' + number(model.cache.load_failures) + ' reads failed' : ''));
    withUnit(found.resident, number(model.memory.resident), 'of ' + number(model.memory.total));
    say(found['resident-note'], bytes(model.memory.resident * model.memory.slot_bytes) + ' in '
        + number(model.memory.slots) + ' slots');
  }

  prefetch(prefetch) {
    const found = this.found;
    say(found['prefetch-on'], (prefetch.mode === 'auto' ? 'auto, ' : '') + (prefetch.on ? 'on' : 'off'));
    found['prefetch-on'].classList.toggle('on', prefetch.on);
    const reason = prefetch.reason.replace(/^(on|off): /, '');
    say(found['prefetch-reason'], reason.charAt(0).toUpperCase() + reason.slice(1) + '.');
    const all = prefetch.useful + prefetch.late + prefetch.wasted;
    for (const name of ['useful', 'late', 'wasted']) {
      say(found[name], number(prefetch[name]));
      found['prefetch-bar'].querySelector('.' + name).style.flexBasis = (all > 0 ? 100 * prefetch[name] / all : 0) + '%';
    }
    say(found['prefetch-idle'], prefetch.link_idle_share === null || prefetch.mode === 'off' ? ''
        : 'The disk is idle ' + percent(prefetch.link_idle_share) + ' of the decoding time. Called off in time: '
          + number(prefetch.cancelled) + '.');
  }
}

function share(target, value) {
  if (value === null) {
    say(target, '–');
  } else {
    withUnit(target, percent(value).slice(0, -2), '%');
  }
}

/** Two models of a name are shown by the same card if they look the same. */
function shapeOf(about) {
  return [about.name, about.version, about.layers_with_experts.join(), about.experts_per_layer,
    about.budget_floor.bytes, about.budget_ceiling.bytes, about.context_length, about.routing].join('|');
}
