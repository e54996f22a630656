// Layers down, experts across. How much a cell is filled says whether the expert is in memory, how dark it is (light on
// dark paper) how much it is used: one hue, so that no kind of colour vision is left out.

const HALF_LIFE = 20; // seconds after which recent use counts half
const LABELS = 30; // px left of the cells
const BARS = 40; // px right of them

class HeatMap {
  constructor(found, about) {
    this.canvas = found.map;
    this.readout = found.readout;
    this.scale = found.scale;
    this.layers = about.layers;
    this.experts = about.experts_per_layer;
    this.rows = about.layers_with_experts;
    const cells = this.layers * this.experts;
    this.counts = {routed: new Float64Array(cells), hits: new Float64Array(cells), misses: new Float64Array(cells)};
    this.recent = new Float64Array(cells);
    this.known = false;
    this.resident = new Uint8Array(cells);
    this.copies = new Uint8Array(cells);
    this.showTotal = false;
    this.cell = null; // {row, expert} under the pointer or the keyboard
    this.listen(found);
  }

  listen(found) {
    const choose = (total) => {
      this.showTotal = total;
      found.recent.setAttribute('aria-pressed', String(!total));
      found.total.setAttribute('aria-pressed', String(total));
      this.draw();
    };
    found.recent.addEventListener('click', () => choose(false));
    found.total.addEventListener('click', () => choose(true));
    const point = (event) => this.point(this.at(event.offsetX, event.offsetY));
    this.canvas.addEventListener('pointermove', point);
    this.canvas.addEventListener('pointerdown', point);
    this.canvas.addEventListener('pointerleave', (event) => event.pointerType === 'mouse' && this.point(null));
    this.canvas.addEventListener('keydown', (event) => this.key(event));
    this.canvas.addEventListener('blur', () => this.point(null));
    new ResizeObserver(() => this.draw()).observe(this.canvas.parentElement);
  }

  /** Everything since the load; what the page saw already is not recent. */
  snapshot(use, residents, copies) {
    const before = this.counts.routed.slice();
    Object.values(this.counts).forEach((count) => count.fill(0));
    this.add(use, null);
    const again = this.known && this.counts.routed.every((now, i) => now >= before[i]);
    for (let i = 0; i < before.length; i++) {
      this.recent[i] = again ? this.recent[i] + this.counts.routed[i] - before[i] : 0;
    }
    this.known = true;
    this.memory(residents, copies);
  }

  /** What was added in so many seconds. */
  update(use, residents, copies, seconds) {
    const fade = 0.5 ** (seconds / HALF_LIFE);
    for (let i = 0; i < this.recent.length; i++) {
      this.recent[i] *= fade;
    }
    this.add(use, this.recent);
    this.memory(residents, copies);
  }

  add(use, recent) {
    let place = 0;
    for (let i = 0; i < use.at.length; i++) {
      place += use.at[i];
      this.counts.routed[place] += use.routed[i];
      this.counts.hits[place] += use.hits[i];
      this.counts.misses[place] += use.misses[i];
      if (recent) {
        recent[place] += use.routed[i];
      }
    }
  }

  memory(residents, copies) {
    bits(residents, this.resident);
    bits(copies || '', this.copies);
    this.draw();
  }

  values() {
    return this.showTotal ? this.counts.routed : this.recent;
  }

  draw() {
    const width = this.canvas.clientWidth;
    if (width === 0) {
      return;
    }
    const ratio = devicePixelRatio || 1;
    this.step = (width - LABELS - BARS) / this.experts;
    this.rowHeight = Math.max(7, Math.min(34, 270 / this.rows.length));
    const height = Math.ceil(this.rows.length * this.rowHeight + 18);
    this.canvas.style.height = height + 'px';
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    const paint = this.canvas.getContext('2d');
    paint.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.ramp = ramp();
    this.cells(paint);
    this.margins(paint, width);
    this.drawScale();
    this.describe();
  }

  cells(paint) {
    const values = this.values();
    const most = values.reduce((a, b) => Math.max(a, b), 0) || 1;
    const gapX = this.step > 5 ? 1 : this.step * 0.12;
    const gapY = 1;
    let filled = 0;
    let inMemory = 0;
    this.rows.forEach((layer, row) => {
      for (let expert = 0; expert < this.experts; expert++) {
        const place = layer * this.experts + expert;
        filled += values[place] > 0.005;
        inMemory += this.resident[place];
        paint.fillStyle = this.ramp[Math.round(255 * (values[place] / most) ** 0.7)];
        const x = LABELS + expert * this.step;
        const y = row * this.rowHeight;
        const w = this.step - gapX;
        const h = this.rowHeight - gapY;
        if (this.resident[place]) {
          paint.fillRect(x, y, w, h);
        } else if (this.copies[place]) {
          paint.fillRect(x, y + h / 2, w, h / 2);
        } else {
          const small = Math.max(0.42 * Math.min(w, h), Math.min(w, 2));
          paint.fillRect(x + (w - small) / 2, y + (h - small) / 2, small, small);
        }
      }
    });
    this.canvas.dataset.used = filled;
    this.canvas.dataset.resident = inMemory;
    if (this.cell) {
      paint.strokeStyle = theme('ink');
      paint.lineWidth = 1.5;
      paint.strokeRect(LABELS + this.cell.expert * this.step - 1.5, this.cell.row * this.rowHeight - 1.5,
          this.step - gapX + 3, this.rowHeight - gapY + 3);
    }
  }

  /** Layer numbers, expert numbers, and each layer's share of hits. */
  margins(paint, width) {
    paint.font = '11px ' + theme('sans');
    paint.textBaseline = 'middle';
    const accent = theme('accent');
    const faint = theme('faint');
    const soft = theme('soft');
    const every = Math.ceil(14 / this.rowHeight);
    this.rows.forEach((layer, row) => {
      const middle = (row + 0.5) * this.rowHeight - 0.5;
      if (row % every === 0) {
        paint.fillStyle = soft;
        paint.textAlign = 'right';
        paint.fillText(String(layer), LABELS - 8, middle);
      }
      const sum = this.layerSums(layer);
      const bar = BARS - 10;
      paint.fillStyle = faint;
      paint.fillRect(width - bar, middle - 1.5, bar, 3);
      if (sum.visits > 0) {
        paint.fillStyle = accent;
        paint.fillRect(width - bar, middle - 1.5, bar * sum.hits / sum.visits, 3);
      }
    });
    paint.fillStyle = soft;
    paint.textAlign = 'center';
    const label = [1, 2, 4, 8, 16, 32, 64, 128].find((n) => n * this.step >= 34) || 256;
    for (let expert = 0; expert < this.experts; expert += label) {
      paint.fillText(String(expert), LABELS + (expert + 0.5) * this.step, this.rows.length * this.rowHeight + 10);
    }
  }

  layerSums(layer) {
    let hits = 0;
    let visits = 0;
    for (let place = layer * this.experts; place < (layer + 1) * this.experts; place++) {
      hits += this.counts.hits[place];
      visits += this.counts.hits[place] + this.counts.misses[place];
    }
    return {hits, visits};
  }

  drawScale() {
    const paint = this.scale.getContext('2d');
    for (let x = 0; x < 160; x++) {
      paint.fillStyle = this.ramp[Math.round(x * 255 / 159)];
      paint.fillRect(x, 0, 1, 20);
    }
  }

  at(x, y) {
    const expert = Math.floor((x - LABELS) / this.step);
    const row = Math.floor(y / this.rowHeight);
    return expert >= 0 && expert < this.experts && row >= 0 && row < this.rows.length ? {row, expert} : null;
  }

  point(cell) {
    this.cell = cell;
    this.draw();
  }

  key(event) {
    const moves = {ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0],
      Home: [0, -this.experts], End: [0, this.experts], PageUp: [-8, 0], PageDown: [8, 0]};
    if (event.key === 'Escape') {
      this.point(null);
    } else if (moves[event.key]) {
      const from = this.cell || {row: 0, expert: -1};
      const [down, right] = moves[event.key];
      const within = (n, most) => Math.max(0, Math.min(most - 1, n));
      this.point({row: within(from.row + down, this.rows.length), expert: within(from.expert + right, this.experts)});
      event.preventDefault();
    }
  }

  /** In words: the cell that is looked at, or all of them. */
  describe() {
    const text = this.cell ? this.cellText(this.cell) : this.summary();
    // Read out what was asked for, not the news of every second.
    this.readout.setAttribute('aria-live', this.cell ? 'polite' : 'off');
    say(this.readout, text);
    this.canvas.setAttribute('aria-label', 'Heat map of ' + this.rows.length + ' layers by ' + this.experts
        + ' experts. ' + this.summary() + ' Arrow keys go from expert to expert.');
  }

  cellText({row, expert}) {
    const place = this.rows[row] * this.experts + expert;
    const hits = this.counts.hits[place];
    const visits = hits + this.counts.misses[place];
    return 'Layer ' + this.rows[row] + ', expert ' + expert + ', '
        + (this.resident[place] ? 'in memory' : this.copies[place] ? 'as a low-bit copy in memory' : 'on disk')
        + '. Routed ' + number(this.counts.routed[place]) + ' tokens; found in memory ' + number(hits) + ' of '
        + number(visits) + ' times' + (visits > 0 ? ' (' + percent(hits / visits) + ').' : '.');
  }

  summary() {
    const values = this.values();
    const total = values.reduce((a, b) => a + b, 0);
    if (total < 0.5) {
      return this.showTotal ? 'No expert has been used yet.' : 'No expert has been used lately.';
    }
    let busiest = 0;
    values.forEach((value, place) => {
      if (value > values[busiest]) {
        busiest = place;
      }
    });
    const sorted = values.slice().sort();
    let count = 0;
    for (let sum = 0; sum < total / 2; count++) {
      sum += sorted[sorted.length - 1 - count];
    }
    return 'Half of the ' + (this.showTotal ? '' : 'recent ') + 'work is done by ' + number(count) + ' of '
        + number(this.rows.length * this.experts) + ' experts. Busiest: expert ' + busiest % this.experts + ' of layer '
        + Math.floor(busiest / this.experts) + '.';
  }
}

/** Base64 to bits, the first in the lowest bit of the first byte. */
function bits(text, into) {
  const bytesOf = atob(text);
  for (let i = 0; i < into.length; i++) {
    into[i] = (bytesOf.charCodeAt(i >> 3) >> (i & 7)) & 1;
  }
}

/** 256 colours between the three of the theme. */
function ramp() {
  const stops = ['heat-0', 'heat-1', 'heat-2'].map((name) => theme(name).match(/[0-9a-f]{2}/gi)
      .map((part) => parseInt(part, 16)));
  return Array.from({length: 256}, (unused, i) => {
    const [from, to] = i < 128 ? [stops[0], stops[1]] : [stops[1], stops[2]];
    const share = (i < 128 ? i : i - 127) / 128;
    return 'rgb(' + from.map((part, k) => Math.round(part + (to[k] - part) * share)).join(',') + ')';
  });
}
