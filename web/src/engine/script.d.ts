/** The engine's script as text; build.mjs makes it from worker.ts. */
declare module "engine:script" {
  const text: string;
  export default text;
}
