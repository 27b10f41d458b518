/** An MCP server on standard streams for tests: adds, fails when asked to, and ends itself. */
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { z } from 'zod';

const server = new McpServer({ name: 'calculator', version: '1.0.0' });
const numbers = { a: z.number(), b: z.number().optional() };

server.registerTool(
  'add-up',
  { description: 'Adds two numbers.', inputSchema: numbers, outputSchema: { sum: z.number() } },
  ({ a, b = 1 }) => {
    const sum = { sum: a + b };
    return { content: [{ type: 'text', text: JSON.stringify(sum) }], structuredContent: sum };
  },
);
server.registerTool('fail', { description: 'Fails.', inputSchema: {} }, () => ({
  content: [{ type: 'text', text: 'It cannot be done.' }],
  isError: true,
}));
server.registerTool('greet', { description: 'Greets.', inputSchema: {} }, () => ({
  content: [{ type: 'text', text: `Hello from ${process.env['PLACE'] ?? 'nowhere'}` }],
}));

server.registerTool('exit', { description: 'Ends the server.', inputSchema: {} }, () =>
  process.exit(1),
);

await server.connect(new StdioServerTransport());
