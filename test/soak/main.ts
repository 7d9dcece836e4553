/**
 * `npm run soak`: what needs longer than a test may take.
 *
 *   npm run soak -- [--minutes N] [--hosts N] [--hours N] [--seed N]   seeds of the simulation, for as long as asked
 *   npm run soak -- mutations [WORDS]                                  bugs that the simulation has to find
 *   npm run soak -- properties [--minutes N] [--seed N]                properties of all packages over new cases
 *   npm run soak -- lab [--kills N] [--minutes N]                      kill -9 under load, on real hypervisors, as root
 *   npm run soak -- networks [--first N] [--count N]                   200 random configurations of hosts' networks, as root
 *   npm run soak -- networks --cut-off                                 a host is cut off thirty times, and comes back
 */
import { parseArgs } from "node:util";
import { soakLab } from "./lab-kills.ts";
import { soakCutOff, soakNetworks } from "./networks.ts";
import { soakSeeds } from "./seeds.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    minutes: { type: "string", default: "10" },
    hosts: { type: "string", default: "20" },
    hours: { type: "string", default: "24" },
    seed: { type: "string", default: "1" },
    kills: { type: "string", default: "200" },
    first: { type: "string", default: "0" },
    count: { type: "string", default: "200" },
    "cut-off": { type: "boolean", default: false },
  },
});

const [what = "seeds", ...words] = positionals;
const print = (line: string): void => {
  console.log(line);
};
const durationMs = Number(values.minutes) * 60_000;
const seed = Number(values.seed);

switch (what) {
  case "seeds": {
    const [hosts, hours] = [Number(values.hosts), Number(values.hours)];
    process.exitCode = (await soakSeeds({ seed, hosts, hours, durationMs, print })) ? 0 : 1;
    break;
  }
  case "mutations": {
    const { findMutations } = await import("../simulation/mutations/find-mutations.ts");
    process.exitCode = findMutations(words.join(" "), print) ? 0 : 1;
    break;
  }
  case "properties": {
    const { soakProperties } = await import("./properties.ts");
    process.exitCode = (await soakProperties({ seed, durationMs, print })) ? 0 : 1;
    break;
  }
  case "lab":
    process.exitCode = (await soakLab({ kills: Number(values.kills), durationMs, seed, print }))
      ? 0
      : 1;
    break;
  case "networks": {
    const part = { first: Number(values.first), count: Number(values.count) };
    const isGood = values["cut-off"] ? soakCutOff(print) : soakNetworks({ ...part, print });
    process.exitCode = (await isGood) ? 0 : 1;
    break;
  }
  default:
    print(`"${what}" is nothing to soak; give seeds, mutations, properties, networks or lab`);
    process.exitCode = 2;
}
