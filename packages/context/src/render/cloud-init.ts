/** Disks for cloud-init: NoCloud, and OpenStack's config drive. */
import {
  hostnameOf,
  volumeLabels,
  type Context,
  type ContextSubject,
  type Seed,
} from "../context.ts";
import { bytesOf } from "../bytes.ts";
import { networkConfig, networkData } from "./network-config.ts";
import { renderUserData } from "./user-data.ts";
import { renderYaml } from "./yaml.ts";

const text = (path: string, content: string) => ({ path, content: bytesOf(content), mode: 0o600 });

export function renderNoCloud(context: Context, subject: ContextSubject): Seed {
  const meta = { "instance-id": subject.id, "local-hostname": hostnameOf(context, subject) };
  return {
    label: volumeLabels.nocloud,
    files: [
      text("meta-data", renderYaml(meta)),
      text("network-config", renderYaml(networkConfig(context, subject))),
      text("user-data", renderUserData(context, subject)),
    ],
  };
}

export function renderConfigDrive(context: Context, subject: ContextSubject): Seed {
  const hostname = hostnameOf(context, subject);
  const meta = { uuid: subject.id, name: subject.name, hostname };
  const json = (value: object): string => `${JSON.stringify(value, undefined, 2)}\n`;
  const latest = "openstack/latest";
  return {
    label: volumeLabels["config-drive"],
    files: [
      text(`${latest}/meta_data.json`, json(meta)),
      text(`${latest}/network_data.json`, json(networkData(context, subject))),
      text(`${latest}/user_data`, renderUserData(context, subject)),
    ],
  };
}
