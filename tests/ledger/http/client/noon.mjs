// A noon: many callers place orders through the door, each with its own key, and retry what was not answered.
// node noon.mjs ORDERS CALLERS ANSWERS_FILE URL...   writes one line a key: {"key", "answer", "tries"}
import { appendFileSync } from "node:fs";

const [orders, callers, file, ...urls] = process.argv.slice(2);
const sleep = (ms) => new Promise((wake) => setTimeout(wake, ms));
let next = 0;

function command(n) {
  const account = `c${n % 50}`;
  const brand = n % 3 ? "sushi" : "pizza";
  if (n % 20 === 0) return { type: "payment", account, amount: "40.00", brand, channel: "card" };
  if (n % 7 === 0) return { type: "order", account, items: [{ brand, sku: "set", name: "Set", quantity: 1, price: "3.00" }] };
  const amount = n % 11 === 0 ? "100000.00" : "2.50"; // some are more than anybody has
  return { type: "debit", account, lines: [{ brand, service: "order", reference: `A-${n}`, amount }] };
}

// The rule of retries: the same key and content again, until there is an answer. 503 and a broken connection are no answers.
async function post(key, body) {
  for (let tries = 1; ; tries += 1) {
    const url = urls[(next + tries) % urls.length];
    try {
      const response = await fetch(`${url}/v1/commands`, {
        method: "POST",
        headers: { "content-type": "application/json", "idempotency-key": `"${key}"` },
        body,
        signal: AbortSignal.timeout(60_000),
      });
      const answer = await response.json();
      if (response.status === 200) return { answer, tries };
      if (response.status !== 503) throw Object.assign(new Error(`${response.status} ${JSON.stringify(answer)}`), { fatal: true });
    } catch (error) {
      if (error.fatal || tries > 500) throw error;
    }
    await sleep(20 + Math.random() * 200);
  }
}

async function caller() {
  while (next < Number(orders)) {
    const n = (next += 1);
    const key = `noon-${n}`;
    const body = JSON.stringify(command(n));
    const { answer, tries } = await post(key, body);
    if (n % 10 === 0) {
      const again = (await post(key, body)).answer;
      if (!again.replayed || again.transaction !== answer.transaction || again.code !== answer.code)
        throw new Error(`${key}: ${JSON.stringify(answer)} and then ${JSON.stringify(again)}`);
    }
    appendFileSync(file, JSON.stringify({ key, answer, tries }) + "\n");
  }
}

await Promise.all(Array.from({ length: Number(callers) }, caller));
