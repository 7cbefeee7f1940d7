// Finds a port on the page of ports with the keyboard alone. Usage: node keyboard.mjs URL NAME
// Prints what has the focus after each Tab from the top, what the page then says, where Enter leads.
import { opened, withBrowser } from './chromium.mjs';

const [url, name] = process.argv.slice(2);

await withBrowser(async (browser) => {
  const page = await opened(browser, url, { width: 1440 });
  const focused = () =>
    page.evaluate(() => {
      const { id, tagName, textContent } = document.activeElement;
      const { outlineStyle } = getComputedStyle(document.activeElement);
      return { name: id || textContent.trim() || tagName, outline: outlineStyle };
    });
  const press = async (key) => {
    await page.keyboard.press(key);
    await page.waitForLoadState('networkidle');
  };
  const said = () => page.textContent('[role=status]');

  await press('Tab');
  const first = await focused();
  await press('Enter'); // skips to the content
  const trail = [];
  do {
    await press('Tab');
    trail.push(await focused());
  } while (trail.at(-1).name !== 'next' && trail.length < 100);
  const start = await said();
  await press('Enter'); // on the button Next
  await page.waitForFunction((text) => document.querySelector('[role=status]').textContent !== text, start);
  const second = await said();
  await page.focus('body');
  while ((await focused()).name !== 'q') await press('Shift+Tab');
  await page.keyboard.type(name);
  await press('Enter');
  await page.waitForFunction((text) => document.querySelector('[role=status]').textContent !== text, second);
  const found = await said();
  await press('Tab'); // the button of the form
  await press('Tab'); // the first port
  const map = await page.textContent('#map-port');
  await Promise.all([page.waitForURL('**/ports/*'), page.keyboard.press('Enter')]);
  return { first, trail, start, second, found, map, address: page.url() };
});
