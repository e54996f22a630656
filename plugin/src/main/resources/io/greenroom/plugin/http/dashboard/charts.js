// Small charts, one above the other on the same time axis: the last minute at first, up to five once there is so much.

const SPAN = 300; // seconds that are remembered
const SPANS = [[60, 'a minute ago'], [120, '2 minutes ago'], [SPAN, '5 minutes ago']]; // that are shown
const GAP = 3; // seconds without news break a line

class History {
  constructor() {
    this.samples = [];
  }

  /** @param interval as the server sends it, or null */
  add(time, interval) {
    if (interval) {
      const per = 1 / interval.seconds;
      this.samples.push({time: time / 1000, seconds: interval.seconds, out: interval.tokens_out * per,
        in: interval.tokens_in * per, hits: interval.hits * per, misses: interval.misses * per,
        stall: Math.min(1, interval.stall_seconds * per), read: interval.bytes_read * per});
    }
    while (this.samples.length > 0 && this.samples[0].time < time / 1000 - SPAN) {
      this.samples.shift();
    }
  }

  /** Sums of rates times seconds over the last so many seconds. */
  last(span) {
    const sum = {seconds: 0, out: 0, in: 0, hits: 0, misses: 0, stall: 0, read: 0};
    for (let i = this.samples.length - 1; i >= 0 && sum.seconds < span; i--) {
      const sample = this.samples[i];
      sum.seconds += sample.seconds;
      for (const name of ['out', 'in', 'hits', 'misses', 'stall', 'read']) {
        sum[name] += sample[name] * sample.seconds;
      }
    }
    return sum;
  }
}

class Charts {
  constructor(root, history) {
    this.history = history;
    this.speed = chart(root, 'tokens per second');
    this.visits = chart(root, 'experts per second: found above the line, missed below');
    this.stall = chart(root, 'share of time waiting for experts');
    this.since = axisLabels(this.stall.root);
  }

  draw() {
    const samples = this.history.samples;
    const age = samples.length === 0 ? 0 : samples[samples.length - 1].time - samples[0].time;
    const [span, name] = SPANS.find(([seconds]) => age <= seconds) || SPANS[SPANS.length - 1];
    this.span = span;
    say(this.since, name);
    const speed = Math.max(1, ...samples.map((s) => s.out));
    this.fill(this.speed, samples, [['area', (s) => s.out / speed, 0]], 1, 'up to ' + rate(speed));
    const visits = Math.max(1, ...samples.map((s) => Math.max(s.hits, s.misses)));
    this.fill(this.visits, samples,
        [['area', (s) => s.hits / visits, 0], ['area down', (s) => -s.misses / visits, 0]], 2, '± ' + number(visits));
    const stall = Math.max(0.1, ...samples.map((s) => s.stall));
    this.fill(this.stall, samples, [['area', (s) => s.stall / stall, 0]], 1, 'up to ' + percent(stall));
  }

  fill(target, samples, series, halves, most) {
    say(target.most, samples.length === 0 ? '' : most);
    const height = 76;
    const zero = halves === 2 ? height / 2 : height;
    const tall = halves === 2 ? height / 2 : height;
    const now = samples.length === 0 ? 0 : samples[samples.length - 1].time;
    const x = (s) => ((s.time - now + this.span) / this.span * 600).toFixed(1);
    const shapes = [svg('line', {class: 'axis', x1: 0, x2: 600, y1: zero, y2: zero})];
    for (const [className, value] of series) {
      for (const run of runs(samples)) {
        const line = run.map((s) => x(s) + ' ' + (zero - value(s) * (tall - 2)).toFixed(1)).join('L');
        shapes.push(svg('path', {class: className,
          d: 'M' + x(run[0]) + ' ' + zero + 'L' + line + 'L' + x(run[run.length - 1]) + ' ' + zero + 'Z'}));
        if (className === 'area') {
          shapes.push(svg('path', {class: 'stroke', d: 'M' + line}));
        }
      }
    }
    target.svg.replaceChildren(...shapes);
    target.svg.setAttribute('aria-label', target.name + ', ' + (most || 'nothing yet'));
  }
}

/** Samples between gaps. */
function runs(samples) {
  const all = [];
  samples.forEach((sample, i) => {
    if (i === 0 || sample.time - samples[i - 1].time > GAP) {
      all.push([]);
    }
    all[all.length - 1].push(sample);
  });
  return all;
}

function chart(root, name) {
  const box = element('div', 'chart');
  const names = element('p', 'names');
  const most = element('span');
  names.append(element('span', '', name), most);
  const drawing = svg('svg', {viewBox: '0 0 600 76', preserveAspectRatio: 'none', role: 'img', 'aria-label': name});
  box.append(names, drawing);
  root.append(box);
  return {root: box, svg: drawing, most, name};
}

function axisLabels(root) {
  const labels = element('p', 'when');
  const since = element('span');
  labels.append(since, element('span', '', 'now'));
  root.append(labels);
  return since;
}
