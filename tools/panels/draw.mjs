// Draws dashboards to PNG with Grafana's own components in a headless Chromium.
//
// Usage: node draw.mjs WHAT.json FOLDER WIDTH — WHAT is a list of what page.jsx's `draw` takes; each is
// written to FOLDER/<uid>.png. Exits with 1 when a page fails; prints one line per dashboard with
// the titles of the panels that had nothing to draw.
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { chromium } from 'playwright-core';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const PAGE = 'http://localhost/';
const HTML = '<!doctype html><body style="margin:0"><div id="board"></div>';
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const [what, folder, width] = process.argv.slice(2);
const WIDTH = Number(width);
const { outputFiles } = await build({
  absWorkingDir: HERE,
  entryPoints: ['page.jsx'],
  bundle: true,
  write: false,
  outdir: 'build',
  jsx: 'automatic',
  define: { 'process.env.NODE_ENV': '"production"', global: 'window' },
  loader: { '.svg': 'dataurl', '.ttf': 'empty', '.woff': 'empty', '.woff2': 'empty' },
  conditions: ['import', 'browser', 'default'],
  logLevel: 'error',
});
const text = (end) => outputFiles.find(({ path }) => path.endsWith(end))?.text ?? '';

await mkdir(folder, { recursive: true });
const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
const browser = await chromium.launch({ executablePath, args: FLAGS });
let failed = false;
for (const drawn of JSON.parse(await readFile(what, 'utf8'))) {
  const page = await browser.newPage({ viewport: { width: WIDTH + 16, height: 900 } });
  page.on('pageerror', (error) => {
    failed = true;
    console.error(`${drawn.dashboard.uid}: ${error.stack ?? error}`);
  });
  // Nothing is fetched: the page is this one answer, and whatever else it asks for is refused.
  await page.route('**', (route) =>
    route.request().url() === PAGE
      ? route.fulfill({ body: HTML, contentType: 'text/html' })
      : route.abort()
  );
  await page.goto(PAGE);
  await page.addStyleTag({ content: text('.css') });
  await page.addScriptTag({ content: text('.js') });
  await page.evaluate((drawn) => window.draw(drawn), { ...drawn, width: WIDTH, mode: 'dark' });
  await page.waitForTimeout(1000);
  const titles = await page.$$eval('[data-panel]', (all) => all.map((one) => one.dataset.panel));
  const empty = await page.$$eval('[data-panel]:has([data-empty])', (all) =>
    all.map((one) => one.dataset.panel)
  );
  const file = join(folder, `${drawn.dashboard.uid}.png`);
  await page.locator('#board').screenshot({ path: file });
  console.log(`${file}: ${titles.length} panels; empty: ${empty.join(', ') || 'none'}`);
  await page.close();
}
await browser.close();
process.exit(failed ? 1 : 0);
