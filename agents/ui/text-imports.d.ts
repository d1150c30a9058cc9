// Files that are imported as text (`with { type: "text" }`), so that they are inside the binary.
declare module "*.client.js" {
  const text: string;
  export = text;
}
declare module "*.css" {
  const text: string;
  export = text;
}
declare module "*.svg" {
  const text: string;
  export = text;
}
declare module "uplot/dist/uPlot.iife.min.js" {
  const text: string;
  export = text;
}
