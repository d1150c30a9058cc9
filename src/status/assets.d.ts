// Files that travel inside the program as text: `import css from "./base.status.css" with { type: "text" }`.
// The patterns are this room's own, so that other rooms may declare theirs beside them.

declare module "*.status.css" {
  const text: string;
  export = text;
}

declare module "*.status.js" {
  const text: string;
  export = text;
}
