/** The engine's module as text; build.mjs makes it from worker.ts. */
declare module "engine:module" {
  const text: string;
  export default text;
}
