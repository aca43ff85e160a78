// Rates from counters, as lines from left (old) to right (now).
import { byId } from './dom.js';

const height = 40;

export class Chart {
  #points = [];
  #last = null;
  #width;

  constructor(width) {
    this.#width = width;
  }

  /** Takes the counters of a moment in milliseconds. Gives the rates since the moment before; null at first. */
  add(moment, received, sent) {
    const last = this.#last;
    this.#last = { moment, received, sent };
    // Counters of a node that was started anew begin again.
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
