/**
 * `npm run quickstart`: a whole cluster on this machine, doing its main job before your eyes, and left running.
 * `-- --simulated` does it without root on hypervisors that only exist in memory; `-- down` stops and removes it.
 */
import { quickstart, readChoices, USAGE } from "./quickstart/choices.ts";
import { takeDown } from "./quickstart/down.ts";
import { runOnLab } from "./quickstart/on-lab.ts";
import { Story, StoryFailure } from "./quickstart/story.ts";
import { runSimulated } from "./quickstart/simulated.ts";

async function main(): Promise<void> {
  const choices = readChoices(process.argv.slice(2));
  if (choices.command === "help") {
    console.log(USAGE);
    return;
  }
  if (choices.command === "down") {
    await takeDown(choices);
    return;
  }
  const story = new Story();
  process.once("SIGINT", () => {
    console.log(
      `\nstopped half way; what runs already is removed by: ${quickstart(choices, "down")}`,
    );
    process.exit(130);
  });
  await (choices.isSimulated ? runSimulated(choices, story) : runOnLab(choices, story));
}

try {
  await main();
} catch (error) {
  if (error instanceof StoryFailure) console.error(`\n${error.message}`);
  else console.error(`quickstart: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
