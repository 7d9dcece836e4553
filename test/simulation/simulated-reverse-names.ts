/** The site's DNS: 203.0.113.50 is pc-50.example.edu. */
import type { ReverseNames } from "@muster/coordinator";

export const simulatedReverseNames: ReverseNames = {
  nameOf: (address) => Promise.resolve(`pc-${address.split(".").at(-1) ?? ""}.example.edu`),
};
