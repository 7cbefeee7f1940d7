// Draws pages of a program that runs on this machine. Usage: node sites.mjs SITE URL FOLDER. The pages need no password:
// Backstage lets a guest log in, and Argo CD has no login. Writes a PNG of each page to the folder, and prints the files.
import path from 'node:path';
import { withBrowser } from './chromium.mjs';

const [, , site, url, folder] = process.argv;
const SITES = {
  portal: {
    'backstage-component': { at: '/catalog/default/component/ports', height: 960 },
    'backstage-system': { at: '/catalog/default/system/ports-platform', height: 980 },
    'backstage-docs': { at: '/catalog/default/component/ports/docs', height: 900 },
    'backstage-form': {
      at: '/create/templates/default/django-ninja-service',
      height: 1100,
      async use(page) {
        await page.getByLabel('Name').fill('import');
        await page.getByLabel('Description').fill('Calls of ships at ports');
        await page.getByLabel('Owner').click();
        await page.getByRole('option', { name: 'Maritime' }).click();
        await page.getByRole('button', { name: 'Review' }).click();
      },
    },
  },
  jaeger: {
    'jaeger-trace': {
      at: '/search?service=ports&tags=%7B%22error%22%3A%22true%22%7D&lookback=1h&limit=1',
      height: 640,
      async use(page) {
        await page.locator('a.ResultItemTitle--item').click();
        await page.locator('.span-row .span-view').last().click();
        await page.mouse.move(0, 0); // no tooltip
      },
    },
  },
  argocd: {
    'argocd-applications': { at: '/applications?view=list', height: 1120 },
    'argocd-application': { at: '/applications/argocd/ports-prod?view=tree', width: 1600, height: 1480 },
  },
  tilt: {
    'tilt-overview': { at: '/r/(all)/overview', width: 1600, height: 900 },
  },
};

/** Open a page, and wait until it is drawn: these pages fetch what they show piece by piece. */
async function open(page, at) {
  await page.goto(url + at);
  await page.waitForLoadState('networkidle', { timeout: 20_000 }).catch(() => {}); // Argo CD never ends its streams
  const enter = page.getByRole('button', { name: 'Enter' });
  if (await enter.isVisible()) await enter.click();
  await page.waitForTimeout(5000);
}

await withBrowser(async (browser) => {
  const page = await browser.newPage({ colorScheme: 'light' });
  page.setDefaultTimeout(90_000); // a busy machine
  const files = {};
  for (const [name, { at, width = 1280, height, use }] of Object.entries(SITES[site])) {
    await page.setViewportSize({ width, height });
    await open(page, at);
    await use?.(page);
    await page.waitForTimeout(1000);
    files[name] = path.join(folder, `${name}.png`);
    await page.screenshot({ path: files[name] });
  }
  return files;
});
