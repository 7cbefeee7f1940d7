// Looks at a page in each width and color scheme. Usage: node look.mjs URL [FOLDER for pictures]
// Prints a list: width, scheme, scrollWidth, the console's errors, the rules of axe-core violated.
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { opened, withBrowser } from './chromium.mjs';

const AXE = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const [url, folder] = process.argv.slice(2);

await withBrowser(async (browser) => {
  const looks = [];
  for (const width of [360, 1440]) {
    for (const scheme of ['light', 'dark']) {
      const errors = [];
      const page = await opened(browser, url, { width, scheme, errors });
      if (folder) {
        await page.screenshot({ path: `${folder}/${width}-${scheme}.png`, fullPage: true });
      }
      const scrollWidth = await page.evaluate(() => document.documentElement.scrollWidth);
      await page.evaluate(AXE); // by the debugger, which the page's policy does not hold back
      const { violations, passes } = await page.evaluate(() => window.axe.run());
      looks.push({
        width,
        scheme,
        scrollWidth,
        errors,
        passes: passes.length,
        violations: violations.map(({ id, nodes }) => `${id}: ${nodes.map((n) => n.html)}`),
      });
      await page.close();
    }
  }
  return looks;
});
