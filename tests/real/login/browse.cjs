// Logs people in by a browser: node browse.cjs PACKAGES URL PATH NAME... Prints, for each name, what the browser showed in the end.
const [packages, url, path, ...names] = process.argv.slice(2);
const { chromium } = require(`${packages}/playwright-core`);

async function main() {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
  const found = {};
  for (const name of names) {
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(url + path);
    const asked = { heading: await page.textContent('h1'), at: new URL(page.url()).pathname };
    await page.click('text=Log in by');
    await page.fill('input[name=login]', name);
    await page.fill('input[name=password]', 'anything');
    await page.click('button[type=submit]');
    // What the client may know is asked for once more.
    await page.click('button[type=submit]');
    await page.waitForURL((now) => now.href.startsWith(url) && !now.pathname.endsWith('/return'), { timeout: 15000 }).catch(() => {});
    const cookies = await context.cookies();
    found[name] = {
      asked,
      at: new URL(page.url()).pathname,
      heading: await page.textContent('h1'),
      text: await page.textContent('body'),
      cookies: cookies.filter((cookie) => cookie.name.startsWith('sprag')).map(({ name, httpOnly, sameSite }) => ({ name, httpOnly, sameSite })),
      whoami: await page.evaluate(() => fetch('/api/v1/whoami').then((answer) => answer.status === 200 ? answer.json() : answer.status)),
    };
    await context.close();
  }
  await browser.close();
  console.log(JSON.stringify(found));
}

main().catch((error) => { console.error(error); process.exit(1); });
