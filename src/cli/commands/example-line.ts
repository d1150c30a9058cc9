/** An example of a command as it is typed; one that begins with another program is whole already. */
export function exampleLine(example: string): string {
  return example.includes("| agentrt ") ? example : `agentrt ${example}`;
}
