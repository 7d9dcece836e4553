export { Agent } from "./agent.ts";
export type { AgentParts } from "./agent-parts.ts";
export type { Bytes, Dialer } from "./session/dialer.ts";
