// A page of a run in progress, in a real browser: node live.mjs ADDRESS SCREENSHOTS. The
// server has 5 trials of a run, and records 7 more when it is asked for ADDRESS/go.
import assert from "node:assert/strict";
import path from "node:path";
import {open} from "./browser.mjs";

const [server, shots] = process.argv.slice(2);
const {browser, visit} = await open((name) => server + name);

const list = await visit("/", {server});
assert.match(await list.locator("main").innerText(), /live.*5 of 24.*running/s);
await list.screenshot({path: path.join(shots, "runs.png")});

const page = await visit("/run/live/#tick=0|1&sort=-throughput+put&t.run-checks=check", {server});
assert.match(await page.locator(".progress").innerText(), /running: 5 of 24 trials/);
await page.getByLabel("Compare cell 3").check();
await page.locator("#search").focus();
await fetch(server + "/go");
await page.waitForFunction(() => document.querySelector(".progress").innerText.includes("12 of 24"));
await page.waitForFunction(() => document.querySelector(".facts-of-run").innerText.includes("12 trials"));
assert.match(await page.locator("#tray").innerText(), /3 cells ticked/, "what was chosen stays");
assert.equal(await page.evaluate(() => document.activeElement.id), "search", "and so does the focus");
await list.waitForFunction(() => document.querySelector("main").innerText.includes("12 of 24"));
await page.screenshot({path: path.join(shots, "live.png")});
await browser.close();
console.log("ok   a run in progress renews its page and the list");
