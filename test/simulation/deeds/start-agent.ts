/** As systemd does it: one that fails to start is started again. Of a machine that is switched off comes nothing. */
import type { Scene } from "./deed.ts";

const AGAIN_MS = 5_000;

export function startAgent(scene: Scene, host: string): void {
  const { cluster } = scene;
  if (!cluster.world.host(host).isPowered) return;
  cluster.startAgent(host).catch((error: unknown) => {
    scene.note(`agent of ${host} does not start: ${String(error)}`);
    void cluster.clock.sleep(AGAIN_MS).then(() => {
      startAgent(scene, host);
    });
  });
}
