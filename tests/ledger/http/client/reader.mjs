// A reader of events that keeps its cursor: one line a page, the page and the cursor after it together.
// node reader.mjs FILE URL...   reads on from the last whole line of FILE; ends at a page that has {"key": "the-end"}
import { appendFileSync, existsSync, readFileSync, truncateSync } from "node:fs";

const [file, ...urls] = process.argv.slice(2);
const sleep = (ms) => new Promise((wake) => setTimeout(wake, ms));
let cursor = "";
if (existsSync(file)) {
  const text = readFileSync(file, "utf8");
  const whole = text.slice(0, text.lastIndexOf("\n") + 1);
  truncateSync(file, Buffer.byteLength(whole));
  const last = whole.trimEnd().split("\n").pop();
  if (last) cursor = JSON.parse(last).cursor;
}

for (let tries = 0; ; tries += 1) {
  try {
    const query = new URLSearchParams({ after: cursor, wait: "5", limit: "500" });
    const response = await fetch(`${urls[tries % urls.length]}/v1/events?${query}`);
    if (response.status !== 200) throw new Error(`${response.status}`);
    const page = await response.json();
    cursor = page.cursor;
    if (page.events.length) appendFileSync(file, JSON.stringify(page) + "\n");
    if (page.events.some((event) => event.data.key === "the-end")) break;
  } catch {
    await sleep(100);
  }
}
