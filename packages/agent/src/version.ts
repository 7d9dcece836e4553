/** Of muster as a whole: coordinator, agent and CLI are released together. */
export const VERSION = "0.1.0";
