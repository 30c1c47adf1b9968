// Drives a gateway with the clients of npm: node drive.mjs v1|v2 stdio|http JSON; prints what it was told as JSON.
// v1 speaks the revision of 2025, v2 that of 2026. In the JSON: command and args, or url and token; calls; approve.
import { pathToFileURL } from 'node:url';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const [, , release, over, text] = process.argv;
const said = JSON.parse(text);
const require = createRequire(pathToFileURL(join(said.modules, 'x.js')));
const load = (name) => import(pathToFileURL(require.resolve(name)).href);

async function parts() {
  if (release === 'v2') {
    const client = await load('@modelcontextprotocol/client');
    const { StdioClientTransport } = await load('@modelcontextprotocol/client/stdio');
    return { ...client, StdioClientTransport };
  }
  const client = await load('@modelcontextprotocol/sdk/client/index.js');
  const stdio = await load('@modelcontextprotocol/sdk/client/stdio.js');
  const http = await load('@modelcontextprotocol/sdk/client/streamableHttp.js');
  const { ElicitRequestSchema } = await load('@modelcontextprotocol/sdk/types.js');
  return { ...client, ...stdio, ...http, ElicitRequestSchema };
}

const made = await parts();
const asked = [];
const options = { capabilities: said.approve === undefined ? {} : { elicitation: {} } };
if (release === 'v2') options.versionNegotiation = { mode: 'auto' };
const client = new made.Client({ name: 'drive', version: '1' }, options);
if (said.approve !== undefined) {
  const answer = async (request) => {
    asked.push(request.params.message);
    return { action: 'accept', content: { approve: said.approve } };
  };
  client.setRequestHandler(release === 'v2' ? 'elicitation/create' : made.ElicitRequestSchema, answer);
}
const transport =
  over === 'stdio'
    ? new made.StdioClientTransport({ command: said.command, args: said.args, env: process.env, stderr: 'inherit' })
    : new made.StreamableHTTPClientTransport(new URL(said.url), {
        requestInit: { headers: { Authorization: `Bearer ${said.token}` } },
      });
await client.connect(transport);
const tools = (await client.listTools()).tools.map((tool) => tool.name);
const replies = [];
let progress = 0;
for (const [name, given] of said.calls) {
  const more = { onprogress: () => { progress += 1; } };
  const reply = release === 'v2'
    ? await client.callTool({ name, arguments: given }, more)
    : await client.callTool({ name, arguments: given }, undefined, more);
  replies.push({ error: Boolean(reply.isError), text: reply.content.map((part) => part.text ?? '').join('\n') });
}
const version = release === 'v2' ? client.getNegotiatedProtocolVersion?.() : transport.protocolVersion ?? '2025-11-25'; // v1 keeps it for HTTP alone
await client.close();
console.log(JSON.stringify({ tools, replies, asked, progress, version, instructions: client.getInstructions() }));
