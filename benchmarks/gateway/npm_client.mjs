// The client of npm, which speaks 2025-11-25: node npm_client.mjs MODULES COMMAND ARG...
// One line of JSON in ({calls: [[name, arguments], ...]}), one out.
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const [modules, command, ...args] = process.argv.slice(2);
const load = (path) => import(pathToFileURL(`${modules}/@modelcontextprotocol/client/dist/${path}.mjs`).href);
const { Client } = await load("index");
const { StdioClientTransport } = await load("stdio");
const bytes = (value) => Buffer.byteLength(JSON.stringify(value));
const say = (value) => process.stdout.write(JSON.stringify(value) + "\n");

const client = new Client({ name: "benchmark", version: "1" });
await client.connect(new StdioClientTransport({ command, args, env: { ...process.env }, stderr: "ignore" }));
const { tools } = await client.listTools();
const instructions = client.getInstructions() ?? "";
say({ learned: bytes(tools) + Buffer.byteLength(instructions), protocol: client.getNegotiatedProtocolVersion?.() });

for await (const line of createInterface({ input: process.stdin })) {
  const replies = [];
  let came = 0;
  const begun = performance.now();
  for (const [name, given] of JSON.parse(line).calls) {
    const reply = await client.callTool({ name, arguments: given });
    came += bytes(reply);
    replies.push(reply.content.map((one) => one.text ?? "").join("\n"));
  }
  say({ seconds: (performance.now() - begun) / 1000, came, replies });
}
await client.close();
