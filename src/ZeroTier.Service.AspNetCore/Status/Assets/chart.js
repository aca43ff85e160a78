// Computes rates from counters and draws them as lines, from left (oldest) to right (now).
import { byId } from './dom.js';

const height = 40;

export class Chart {
  #points = [];
  #last = null;
  #width;

  constructor(width) {
    this.#width = width;
  }

  /** Adds the counters at a time in milliseconds. Returns the rates since the previous time; null for the first one. */
  add(moment, received, sent) {
    const last = this.#last;
    this.#last = { moment, received, sent };
    // The counters of a restarted node begin at zero again.
    if (last === null || moment <= last.moment || received < last.received || sent < last.sent) {
      return null;
    }
    const seconds = (moment - last.moment) / 1000;
    const rate = { received: Math.round((received - last.received) / seconds), sent: Math.round((sent - last.sent) / seconds) };
    this.#points = [...this.#points, rate].slice(-this.#width - 1);
    this.#draw('received');
    this.#draw('sent');
    return rate;
  }

  #draw(which) {
    const top = Math.max(1, ...this.#points.flatMap(point => [point.received, point.sent]));
    const start = this.#width + 1 - this.#points.length;
    byId(which).setAttribute('points', this.#points
      .map((point, i) => `${start + i},${(height - 1 - (point[which] / top) * (height - 2)).toFixed(2)}`).join(' '));
  }
}
