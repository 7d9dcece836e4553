/** VIR_DRV_FEATURE_*: what a client may ask a daemon or its driver for. */
export const driverFeature = {
  /** Typed parameters may be strings; getters then ask for them by a flag. */
  typedParamString: 9,
  /** Keepalive both ways. */
  programKeepalive: 10,
  /** virNetworkUpdate has command and section in their order; before 7.2.0 they were swapped on the wire. */
  networkUpdateHasCorrectOrder: 16,
} as const;

export type DriverFeature = keyof typeof driverFeature;
