// Looks at the page of a server in a real browser: node look.cjs PACKAGES URL RELEASE FOLDER. Prints what it found as JSON, and leaves screenshots in the folder.
const [packages, url, release, folder] = process.argv.slice(2);
const { chromium } = require(`${packages}/playwright-core`);
const axe = require('fs').readFileSync(`${packages}/axe-core/axe.min.js`, 'utf8');

const SIZES = { phone: { width: 390, height: 844 }, desktop: { width: 1280, height: 900 } };

async function main() {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
  const found = { faults: [], outside: [], wide: [], violations: [], live: null, keyboard: null, withoutScript: null };
  const watch = (page) => {
    page.on('console', (message) => { if (message.type() === 'error') found.faults.push(`${page.url()}: ${message.text()}`); });
    page.on('pageerror', (error) => found.faults.push(`${page.url()}: ${error}`));
    page.on('request', (request) => { if (!request.url().startsWith(url)) found.outside.push(request.url()); });
    return page;
  };
  const first = watch(await browser.newPage({ viewport: SIZES.desktop }));
  // A run is started by the form, and followed until the page shows what came of it.
  await first.goto(`${url}/pipelines/diabetes`);
  await first.fill('#params', 'train.alpha=0.45');
  await first.click('text=Start a run');
  await first.waitForSelector('text=Where it comes from', { timeout: 60000 });
  found.live = { title: await first.title(), heading: await first.textContent('h1'), plots: await first.locator('figure svg').count() };
  const run = new URL(first.url()).pathname;
  // The keyboard alone leads to the content, and opens what a stage did.
  await first.goto(`${url}${run}`);
  await first.keyboard.press('Tab');
  const skip = await first.evaluate(() => document.activeElement.textContent);
  await first.focus('details summary');
  await first.keyboard.press('Enter');
  found.keyboard = { skip, opened: await first.locator('details[open]').count() };
  await first.close();

  for (const [name, viewport] of Object.entries(SIZES)) {
    for (const colorScheme of ['light', 'dark']) {
      const context = await browser.newContext({ viewport, colorScheme });
      const page = watch(await context.newPage());
      for (const [what, path] of Object.entries({
        runs: '/', run, pipelines: '/pipelines', pipeline: '/pipelines/diabetes', models: '/models', model: '/models/diabetes',
        versions: '/models/diabetes/compare?a=1&b=2', plugins: '/plugins',
        approvals: '/approvals', approval: `/approvals/${release}`, login: '/login',
      })) {
        await page.goto(url + path);
        const width = await page.evaluate(() => document.documentElement.scrollWidth);
        if (width > viewport.width) found.wide.push(`${what} at ${name}: ${width}`);
        await page.evaluate(axe);
        const { violations } = await page.evaluate(() => window.axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'] }));
        for (const { id, nodes } of violations) found.violations.push(`${what}, ${name}, ${colorScheme}: ${id}: ${nodes[0].html.slice(0, 200)}`);
        await page.screenshot({ path: `${folder}/${what}-${name}-${colorScheme}.png`, fullPage: true });
      }
      await context.close();
    }
  }
  const plain = watch(await (await browser.newContext({ javaScriptEnabled: false, viewport: SIZES.phone })).newPage());
  await plain.goto(`${url}${run}`);
  found.withoutScript = await plain.textContent('h1');
  await browser.close();
  console.log(JSON.stringify(found));
}

main().catch((error) => { console.error(error); process.exit(1); });
