// The map and the list, from /ports alone. The map draws at most MOST ports, so that its work has a
// bound; the list asks the service for each of its pages.
'use strict';
const LISTED = 15;
const READ_AT_ONCE = 1000;
const MOST = 10000;
const NEAR = 12; // pixels between the pointer and a dot
const byId = (id) => document.getElementById(id);
const number = (count) => count.toLocaleString('en-US');

async function read(query) {
  const given = Object.entries(query).filter(([, value]) => value);
  const response = await fetch(`/ports?${new URLSearchParams(given)}`, {
    headers: { Accept: 'application/json' },
  });
  if (!response.ok) throw new Error(`the service answered with ${response.status}`);
  return response.json();
}

// Each dot is a line of no length with round ends: thousands of them are one element.
function plot(id, ports) {
  const placed = ports.filter(({ coordinates }) => coordinates);
  byId(id).setAttribute('d', placed.map(({ coordinates: [x, y] }) => `M${x} ${-y}h0`).join(''));
}

function link({ id, name }) {
  const made = document.createElement('a');
  made.href = `/ports/${id}`;
  made.textContent = name;
  return made;
}

let drawn = [];

async function drawMap() {
  let cursor = null;
  const all = [];
  do {
    const page = await read({ limit: READ_AT_ONCE, cursor });
    all.push(...page.items);
    cursor = page.next;
  } while (cursor && all.length < MOST);
  drawn = all.filter(({ coordinates }) => coordinates);
  plot('dots', drawn);
  const counts = new Map();
  for (const { country } of all) counts.set(country, (counts.get(country) ?? 0) + 1);
  const most = [...counts].sort(([, one], [, other]) => other - one).slice(0, 3);
  byId('map-summary').textContent =
    `${cursor ? 'The first ' : ''}${number(all.length)} ports of ${number(counts.size)} countries; ` +
    `the position of ${number(drawn.length)} is known. ` +
    `Most ports: ${most.map(([country, count]) => `${country} (${number(count)})`).join(', ')}.`;
}

function show(port) {
  plot('mark', [port]);
  byId('map-port').replaceChildren(link(port), `, ${port.country} (${port.id})`);
}

function pointed({ clientX, clientY }) {
  const svg = document.querySelector('#map svg');
  const scale = svg.getScreenCTM();
  let nearest = null;
  let least = NEAR;
  for (const port of drawn) {
    const [x, y] = port.coordinates;
    const away = Math.hypot(x * scale.a + scale.e - clientX, -y * scale.d + scale.f - clientY);
    if (away < least) [nearest, least] = [port, away];
  }
  if (nearest) show(nearest);
}

let query = '';
let before = []; // the cursors of the pages before this one
let here = null;
let following = null;

async function list() {
  const page = await read({ limit: LISTED, q: query, cursor: here });
  following = page.next;
  const rows = page.items.map((port) => {
    const row = document.createElement('tr');
    const name = document.createElement('th');
    name.scope = 'row';
    name.append(link(port));
    const cells = [port.country, port.id].map((text) => {
      const cell = document.createElement('td');
      cell.textContent = text;
      return cell;
    });
    row.append(name, ...cells);
    row.addEventListener('focusin', () => show(port));
    row.addEventListener('pointerenter', () => show(port));
    return row;
  });
  byId('rows').replaceChildren(...rows);
  plot('listed', page.items);
  plot('mark', []);
  byId('previous').setAttribute('aria-disabled', String(!before.length));
  byId('next').setAttribute('aria-disabled', String(!following));
  const first = before.length * LISTED + 1;
  const last = first + page.items.length - 1;
  const range = first === last ? `Port ${first}` : `Ports ${number(first)} to ${number(last)}`;
  const which = query ? ` whose name contains “${query}”` : '';
  byId('status').textContent = page.items.length
    ? `${range}${which}, marked on the map${following ? '; more follow' : ''}.`
    : `There is no port${which}.`;
}

// What cannot be read is said where the list would be.
function attempt(action) {
  return action().catch((error) => {
    byId('status').textContent = `The ports cannot be shown: ${error.message}. Search to try again.`;
  });
}

byId('search').addEventListener('submit', (event) => {
  event.preventDefault();
  query = byId('q').value.trim();
  [before, here] = [[], null];
  attempt(list);
});
byId('next').addEventListener('click', () => {
  if (!following) return;
  before.push(here);
  here = following;
  attempt(list);
});
byId('previous').addEventListener('click', () => {
  if (!before.length) return;
  here = before.pop();
  attempt(list);
});
document.querySelector('#map svg').addEventListener('pointermove', pointed);
document.querySelector('#map svg').addEventListener('click', pointed);
byId('map').hidden = byId('list').hidden = false;
attempt(list);
attempt(drawMap);
