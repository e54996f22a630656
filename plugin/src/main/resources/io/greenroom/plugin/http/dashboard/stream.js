// The server's events. Read with fetch, not EventSource, because only so a refusal's text can be shown; opened again
// when it ends, with pauses that grow.

const SILENCE = 6000; // ms; the server speaks every second
const FIRST_PAUSE = 1000;
const LONGEST_PAUSE = 30000;

class Stream {
  /**
   * @param on {event(name, data), link(state, reason, retryAt)}; the state is connecting, live or waiting
   */
  constructor(url, on) {
    this.url = url;
    this.on = on;
    this.failures = 0;
    this.timer = 0;
    this.silence = 0;
    this.attempt = 0;
    this.connect();
    addEventListener('online', () => this.retryNow());
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden) {
        this.retryNow();
      }
    });
  }

  /** Does not wait for the pause to end. */
  retryNow() {
    if (this.timer) {
      this.connect();
    }
  }

  async connect() {
    clearTimeout(this.timer);
    this.timer = 0;
    const attempt = ++this.attempt;
    const abort = new AbortController();
    let reason = 'The server ended the stream.';
    const alive = () => {
      clearTimeout(this.silence);
      this.silence = setTimeout(() => {
        reason = 'No news for ' + SILENCE / 1000 + ' seconds.';
        abort.abort();
      }, SILENCE);
    };
    this.on.link('connecting', '', 0);
    alive();
    try {
      const response = await fetch(this.url, {cache: 'no-store', signal: abort.signal,
        headers: {Accept: 'text/event-stream'}});
      if (response.ok && response.body) {
        await this.read(response.body.getReader(), alive);
      } else {
        reason = await refusal(response);
      }
    } catch (failure) {
      if (!abort.signal.aborted) {
        reason = 'The server does not answer.';
      }
    }
    clearTimeout(this.silence);
    abort.abort();
    if (attempt === this.attempt) {
      this.wait(reason);
    }
  }

  async read(reader, alive) {
    const decoder = new TextDecoder();
    let text = '';
    for (;;) {
      const {done, value} = await reader.read();
      if (done) {
        return;
      }
      alive();
      text += decoder.decode(value, {stream: true});
      let end;
      while ((end = text.indexOf('\n\n')) >= 0) {
        this.block(text.slice(0, end));
        text = text.slice(end + 2);
      }
    }
  }

  /** Lines of one event; a comment has neither name nor data. */
  block(lines) {
    let name = '';
    let data = '';
    for (const line of lines.split('\n')) {
      if (line.startsWith('event: ')) {
        name = line.slice(7);
      } else if (line.startsWith('data: ')) {
        data += line.slice(6);
      }
    }
    if (name) {
      this.failures = 0;
      this.on.link('live', '', 0);
      this.on.event(name, JSON.parse(data));
    }
  }

  wait(reason) {
    const pause = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** this.failures) * (0.8 + 0.4 * Math.random());
    this.failures++;
    this.timer = setTimeout(() => this.connect(), pause);
    this.on.link('waiting', reason, Date.now() + pause);
  }
}

/** What an answer with an error says, in the server's words. */
async function refusal(response) {
  const text = (await response.text()).slice(0, 4000);
  try {
    const body = JSON.parse(text);
    return String((body.error && body.error.message) || body.message || text);
  } catch (notJson) {
    return text.trim() || 'The server answered with status ' + response.status + '.';
  }
}
