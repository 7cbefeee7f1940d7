// Draws pages, and turns pictures into WebP. Usage: node shoot.mjs JOBS.json, a list of
// {from: URL of a page or file of a PNG, to: file, width, height?: of the window, quality?: 0 to 1}.
// A picture shows the whole, or its upper part where a height is given. Prints the sizes in bytes.
import { readFile, writeFile } from 'node:fs/promises';
import { opened, withBrowser } from './chromium.mjs';

const jobs = JSON.parse(await readFile(process.argv[2], 'utf8'));

/** Turn a PNG into WebP, which browsers write and no package is needed for. */
async function toWebp(browser, png, { width, height, quality = 0.8 }) {
  const page = await browser.newPage();
  const url = await page.evaluate(
    async ([data, width, height, quality]) => {
      const image = new Image();
      image.src = `data:image/png;base64,${data}`;
      await image.decode();
      const canvas = document.createElement('canvas');
      canvas.width = Math.min(width, image.width);
      const whole = Math.round((image.height * canvas.width) / image.width);
      canvas.height = Math.min(height ?? whole, whole);
      const context = canvas.getContext('2d');
      context.imageSmoothingQuality = 'high';
      context.drawImage(image, 0, 0, canvas.width, whole);
      return canvas.toDataURL('image/webp', quality);
    },
    [png.toString('base64'), width, height, quality]
  );
  await page.close();
  return Buffer.from(url.split(',')[1], 'base64');
}

async function drawn(browser, { from, width, height }) {
  if (from.endsWith('.png')) return readFile(from);
  const page = await opened(browser, from, { width });
  // The whole page is at least as high as the window.
  await page.setViewportSize({ width, height: height ?? 100 });
  const png = await page.screenshot({ fullPage: !height });
  await page.close();
  return png;
}

await withBrowser(async (browser) => {
  const sizes = {};
  for (const job of jobs) {
    const webp = await toWebp(browser, await drawn(browser, job), job);
    await writeFile(job.to, webp);
    sizes[job.to] = webp.length;
  }
  return sizes;
});
