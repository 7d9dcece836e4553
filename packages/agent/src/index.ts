export { Agent, type AgentParts } from "./agent.ts";
export type { Bytes, Dialer } from "./session/dialer.ts";
