// A line over time, as an image that also says in words what it shows.

import {make} from './page.js';

export const MOST_POINTS = 150;
const WIDTH = 300;
const HEIGHT = 60;

function svg(tag, attributes) {
  const made = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

export function shortNumber(value) {
  if (value >= 1e9) return `${(value / 1e9).toFixed(1)} G`;
  if (value >= 1e6) return `${(value / 1e6).toFixed(1)} M`;
  if (value >= 1e4) return `${(value / 1e3).toFixed(1)} k`;
  return Number.isInteger(value) ? String(value) : value.toFixed(value < 10 ? 2 : 1);
}

export class Plot {
  #values = [];
  #line = svg('polyline', {points: ''});
  #image = svg('svg', {role: 'img', viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none'});
  #caption = make('figcaption');

  constructor(parent, title) {
    this.title = title;
    const figure = make('figure');
    this.#image.append(this.#line);
    figure.append(this.#caption, this.#image);
    parent.append(figure);
    this.clear();
  }

  clear() {
    this.#values = [];
    this.#draw();
  }

  /** Nothing is known at this moment: null. */
  add(value) {
    this.#values.push(value);
    if (this.#values.length > MOST_POINTS) this.#values.shift();
    this.#draw();
  }

  #draw() {
    const known = this.#values.filter((value) => value !== null);
    const greatest = Math.max(0, ...known);
    const first = MOST_POINTS - this.#values.length;
    const points = [];
    this.#values.forEach((value, index) => {
      if (value === null) return;
      const x = (first + index) * WIDTH / (MOST_POINTS - 1);
      const y = HEIGHT - 2 - (greatest > 0 ? value / greatest : 0) * (HEIGHT - 4);
      points.push(`${x.toFixed(1)},${y.toFixed(1)}`);
    });
    this.#line.setAttribute('points', points.join(' '));
    const now = this.#values.at(-1) ?? null;
    const words = known.length === 0 ? 'not known yet'
      : `${now === null ? 'not known' : shortNumber(now)} now, at most ${shortNumber(greatest)}`;
    this.#caption.textContent = `${this.title}: ${words}`;
    this.#image.setAttribute('aria-label', this.#caption.textContent);
  }
}
