// What each budget would bring, and the slider that chooses one. The slider counts experts; its bytes are those of so
// many slots, so that nothing is rounded away.

class BudgetPanel {
  constructor(found, about, act) {
    this.found = found;
    this.floor = about.budget_floor;
    this.ceiling = about.budget_ceiling;
    this.name = about.name;
    this.act = act;
    this.curve = {tokens: 0, points: []};
    this.memory = null;
    this.moved = false; // the slider says something else than the server
    this.busy = false;
    this.effect = null; // what to compare with after a change
    found.slider.min = this.floor.slots;
    found.slider.max = this.ceiling.slots;
    found.slider.step = 1;
    found.slider.addEventListener('input', () => {
      this.moved = true;
      this.draw();
    });
    found.apply.addEventListener('click', () => this.apply());
    found.back.addEventListener('click', () => {
      this.moved = false;
      found.slider.value = this.memory.slots;
      this.draw();
    });
    say(found.floor, 'least: ' + bytes(this.floor.bytes));
    say(found.ceiling, 'all experts: ' + bytes(this.ceiling.bytes));
  }

  /** @param lately hits and misses since the page was opened, for the effect of a change */
  update(memory, curve, totals) {
    this.memory = memory;
    this.curve = curve || this.curve;
    this.totals = totals;
    if (!this.moved && !this.busy) {
      this.found.slider.value = memory.slots;
    }
    this.draw();
    this.tellEffect();
  }

  bytesOf(slots) {
    const share = (slots - this.floor.slots) / Math.max(1, this.ceiling.slots - this.floor.slots);
    return Math.ceil(this.floor.bytes + share * (this.ceiling.bytes - this.floor.bytes));
  }

  /** What the curve says of a number of slots, or null. */
  foretold(slots) {
    const points = this.curve.points;
    if (points.length === 0) {
      return null;
    }
    const after = points.findIndex((point) => point.slots >= slots);
    if (after < 0) {
      return points[points.length - 1];
    }
    const to = points[after];
    const from = after > 0 ? points[after - 1] : {slots: 0, hit_rate: 0, tokens_per_second: null};
    const share = (slots - from.slots) / Math.max(1, to.slots - from.slots);
    const speeds = from.tokens_per_second !== null && to.tokens_per_second !== null;
    return {hit_rate: from.hit_rate + share * (to.hit_rate - from.hit_rate),
      tokens_per_second: speeds ? from.tokens_per_second + share * (to.tokens_per_second - from.tokens_per_second)
          : share > 0.999 ? to.tokens_per_second : null};
  }

  draw() {
    if (!this.memory) {
      return;
    }
    const slots = Number(this.found.slider.value);
    const allowed = this.act.allowed();
    const same = slots === this.memory.slots;
    say(this.found['budget-now'], this.memory.expert_budget + (/i?B$/.test(this.memory.expert_budget) ? ''
        : ' = ' + bytes(this.memory.expert_budget_bytes)) + ', ' + number(this.memory.slots) + ' of '
        + number(this.memory.total) + ' experts');
    this.found.apply.disabled = this.busy || same || !allowed.yes;
    say(this.found.apply, this.busy ? 'Applying' : same ? 'Apply' : 'Apply ' + bytes(this.bytesOf(slots)));
    this.found.back.hidden = same || this.busy;
    say(this.found.promise, this.promise(slots, same));
    this.found.slider.setAttribute('aria-valuetext', bytes(this.bytesOf(slots)) + ', ' + slots + ' experts. '
        + this.promise(slots, same));
    if (!allowed.yes && !this.busy) {
      this.result(allowed.reason, false);
    }
    this.drawCurve(slots);
  }

  promise(slots, same) {
    const then = this.foretold(slots);
    if (!then) {
      return 'What other budgets would bring is known after the first tokens.';
    }
    const now = this.foretold(this.memory.slots);
    const tell = (point) => percent(point.hit_rate) + ' found in memory'
        + (point.tokens_per_second === null ? '' : ', about ' + rate(point.tokens_per_second) + ' tokens/s');
    return same ? 'Now: ' + tell(now) + '. Move the slider to see other budgets.'
        : bytes(this.bytesOf(slots)) + ' for ' + number(slots) + ' experts would make it ' + tell(then)
          + '. Now: ' + tell(now) + '.';
  }

  x(slots) {
    return 100 * (slots - this.floor.slots) / Math.max(1, this.ceiling.slots - this.floor.slots);
  }

  drawCurve(slots) {
    const box = this.found.curve;
    const points = this.curve.points;
    if (points.length === 0) {
      box.replaceChildren(element('p', 'none', 'No traffic yet'));
      return;
    }
    const all = [];
    const count = 48;
    for (let i = 0; i <= count; i++) {
      const at = this.floor.slots + (this.ceiling.slots - this.floor.slots) * i / count;
      all.push({slots: at, ...this.foretold(at)});
    }
    const drawing = svg('svg', {viewBox: '0 0 100 100', preserveAspectRatio: 'none', 'aria-hidden': 'true'});
    const line = (list, y) => 'M' + list.map((p) => this.x(p.slots).toFixed(2) + ' ' + y(p).toFixed(2)).join('L');
    const hits = line(all, (p) => 100 - 100 * p.hit_rate);
    drawing.append(svg('path', {class: 'area', d: hits + 'L100 100L0 100Z'}));
    for (const y of [0, 50, 100]) {
      drawing.append(svg('line', {class: 'axis', x1: 0, x2: 100, y1: y, y2: y}));
    }
    const fast = all.filter((p) => p.tokens_per_second !== null);
    const most = Math.max(...fast.map((p) => p.tokens_per_second)) * 1.15;
    if (fast.length > 1) {
      drawing.append(svg('path', {class: 'second', d: line(fast, (p) => 100 - 100 * p.tokens_per_second / most)}));
    }
    drawing.append(svg('path', {class: 'stroke', d: hits}));
    const now = this.x(this.memory.slots);
    drawing.append(svg('line', {class: 'mark', x1: now, x2: now, y1: 0, y2: 100}));
    if (slots !== this.memory.slots) {
      drawing.append(svg('line', {class: 'mark chosen', x1: this.x(slots), x2: this.x(slots), y1: 0, y2: 104}));
    }
    box.replaceChildren(drawing, tag('y', '100 % hits', {top: '0'}), tag('y', '50 %', {top: '50%'}),
        tag(now > 88 ? 'now left' : 'now', 'now', {left: now + '%'}));
    if (fast.length > 1) {
      box.append(tag('y2', rate(most / 1.15) + ' tokens/s', {top: 100 - 100 / 1.15 + '%'}));
    }
  }

  async apply() {
    const slots = Number(this.found.slider.value);
    this.busy = true;
    this.result('', true);
    this.draw();
    const before = this.totals;
    try {
      const response = await fetch(this.act.url(this.name), {method: 'PUT', headers: {'Content-Type': 'application/json'},
        body: JSON.stringify({expert_budget: String(this.bytesOf(slots))})});
      if (!response.ok) {
        this.result(await refusal(response), false);
        return;
      }
      const answer = await response.json();
      const change = number(answer.before.slots) + ' to ' + number(answer.after.slots) + ' experts, '
          + bytes(answer.before.bytes) + ' to ' + bytes(answer.after.bytes);
      this.done = answer.reached ? 'In force after ' + number(answer.millis) + ' ms: ' + change + '.'
          : 'Accepted: ' + change + '. Memory is still being given back.';
      this.result(this.done, true);
      this.effect = {share: before.share, hits: before.hits, misses: before.misses};
      this.moved = false;
    } catch (failure) {
      this.result('The server does not answer.', false);
    } finally {
      this.busy = false;
      this.draw();
    }
  }

  /** Once enough visits have followed a change: what it brought. */
  tellEffect() {
    if (!this.effect) {
      return;
    }
    const hits = this.totals.hits - this.effect.hits;
    const visits = hits + this.totals.misses - this.effect.misses;
    if (visits >= 200) {
      this.result(this.done + ' Found in memory since: ' + percent(hits / visits)
          + (this.effect.share === null ? '.' : ', before: ' + percent(this.effect.share) + '.'), true);
    }
  }

  result(text, good) {
    say(this.found.result, text);
    this.found.result.classList.toggle('bad', !good && this.act.allowed().yes);
  }
}

function tag(kind, text, place) {
  const made = element('span', 'tag ' + kind, text);
  Object.assign(made.style, place);
  return made;
}
