// One browser for all tests.
import assert from "node:assert/strict";
import {chromium} from "playwright-core";

// open starts the browser; visit opens a page and waits until it is drawn. A page that
// leaves an error in the console fails.
export async function open(address) {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"],
  });
  const visit = async (name, {server, ...options} = {}) => {
    const context = await browser.newContext({viewport: {width: 1440, height: 900}, ...options});
    context.setDefaultTimeout(20000);
    const page = await context.newPage(), errors = [];
    page.on("pageerror", (e) => errors.push(e.stack));
    page.on("console", (m) => ["error", "warning"].includes(m.type()) && errors.push(m.text()));
    page.on("request", (r) => !/^(file|data|blob):/.test(r.url()) && !r.url().startsWith(server ?? "file:") && errors.push("asks the network for " + r.url()));
    await page.goto(address(name));
    await page.waitForSelector("html[data-ready]", {state: "attached"}).catch((e) => errors.push(e.message));
    assert.deepEqual(errors, [], "no errors in the console");
    return page;
  };
  return {browser, visit};
}
