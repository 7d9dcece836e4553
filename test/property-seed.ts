/**
 * Properties draw the same cases in every test run: a run that fails, fails again, and no luck decides a verdict.
 * New cases are drawn by `npm run soak -- properties`, which sets the seed.
 */
import fc from "fast-check";

const DEFAULT_SEED = 1;

const given = process.env["MUSTER_PROPERTY_SEED"];
fc.configureGlobal({ seed: given === undefined ? DEFAULT_SEED : Number(given) });
