// Chromium without a window, which reaches nothing but this machine.
import { chromium } from 'playwright-core';

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
];

/** Run with a browser; CHROMIUM is its program. What the function returns is printed as JSON. */
export async function withBrowser(use) {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM,
    args: FLAGS,
    timeout: 90_000,
  });
  try {
    console.log(JSON.stringify(await use(browser)));
  } finally {
    await browser.close();
  }
}

/** Open a page and wait until it has all that it asks for; `errors` takes what its console says. */
export async function opened(browser, url, { width, scheme = 'light', errors = [] }) {
  const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme: scheme });
  page.setDefaultTimeout(90_000); // a busy machine
  page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
  page.on('pageerror', (error) => errors.push(String(error)));
  await page.goto(url, { waitUntil: 'networkidle' });
  return page;
}
