// What all parts of the page are made with. Texts of the daemon, and so of servers, become text nodes and nothing else.

export function find(id) {
  return document.getElementById(id);
}

export function make(tag, text = '', className = '') {
  const made = document.createElement(tag);
  if (text !== '') made.textContent = text;
  if (className) made.className = className;
  return made;
}

/** Changes the text only if it is another: what stays needs no layout, and is not read out again. */
export function show(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Shows what is for those with this role, and hides what is for others: the daemon would refuse it. */
export function showFor(role) {
  for (const element of document.querySelectorAll('[data-for-role]')) element.hidden = element.dataset.forRole !== role;
}

export function pause(milliseconds) {
  return new Promise((done) => { setTimeout(done, milliseconds); });
}

const two = (number) => String(number).padStart(2, '0');

export function dayOf(date) {
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** The local time, with the day unless that is today. */
export function timeOf(date) {
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  const day = dayOf(date);
  return day === dayOf(new Date()) ? time : `${day} ${time}`;
}
