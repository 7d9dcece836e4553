/** Runs inside a daemon's network namespace: opens the URI of the first argument and prints what came of it as JSON. */
import { connect } from "../src/index.ts";

const [uri = "", optionsJson = "{}"] = process.argv.slice(2);
try {
  const options = JSON.parse(optionsJson) as object;
  await using hypervisor = await connect(uri, { connectTimeoutMs: 5_000, ...options });
  const domains = await hypervisor.listAllDomains();
  const names = domains.map(({ name }) => name);
  console.log(JSON.stringify({ names, isSecure: await hypervisor.isSecure() }));
} catch (error) {
  const { name, message, code } = error as Error & { readonly code?: string };
  console.log(JSON.stringify({ error: { name, message, code } }));
}
