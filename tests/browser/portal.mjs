// Draws pages of a Backstage that has this repository's catalog. Usage: node portal.mjs URL FOLDER. A guest must be able
// to log in. Writes a PNG of each page to the folder, and prints the files.
import path from 'node:path';
import { withBrowser } from './chromium.mjs';

const [, , url, folder] = process.argv;
const PAGES = {
  'backstage-component': { path: '/catalog/default/component/ports', height: 960 },
  'backstage-system': { path: '/catalog/default/system/ports-platform', height: 980 },
  'backstage-docs': { path: '/catalog/default/component/ports/docs', height: 900 },
  'backstage-form': {
    path: '/create/templates/default/django-ninja-service',
    height: 1100,
    async fill(page) {
      await page.getByLabel('Name').fill('import');
      await page.getByLabel('Description').fill('Calls of ships at ports');
      await page.getByLabel('Owner').click();
      await page.getByRole('option', { name: 'Maritime' }).click();
      await page.getByRole('button', { name: 'Review' }).click();
    },
  },
};

/** Open a page, and wait until it is drawn: a Backstage fetches what it shows piece by piece. */
async function open(page, to) {
  await page.goto(url + to, { waitUntil: 'networkidle' });
  const enter = page.getByRole('button', { name: 'Enter' });
  if (await enter.isVisible()) await enter.click();
  await page.waitForTimeout(5000);
}

await withBrowser(async (browser) => {
  const page = await browser.newPage({ colorScheme: 'light' });
  page.setDefaultTimeout(90_000); // a busy machine
  const files = {};
  for (const [name, { path: to, height, fill }] of Object.entries(PAGES)) {
    await page.setViewportSize({ width: 1280, height });
    await open(page, to);
    await fill?.(page);
    await page.waitForTimeout(1000);
    files[name] = path.join(folder, `${name}.png`);
    await page.screenshot({ path: files[name] });
  }
  return files;
});
