import type { components } from "./tiffin";

type Debit = components["schemas"]["debit"];
type Answer = components["schemas"]["Answer"];
type Problem = components["schemas"]["Problem"];

const order: Debit = {
  type: "debit",
  key: "A-1001:pay",
  account: "anna",
  lines: [{ brand: "sushi", service: "order", reference: "A-1001", amount: "700.00" }],
};

export async function post(door: string): Promise<string> {
  const response = await fetch(`${door}/v1/commands`, { method: "POST", body: JSON.stringify(order) });
  if (response.status !== 200) {
    const problem = (await response.json()) as Problem;
    return problem.detail;
  }
  const answer = (await response.json()) as Answer;
  if (answer.status === "posted") return answer.accounts.map((moved) => moved.balance).join(", ");
  if (answer.status === "declined") return answer.message;
  return "done";
}
