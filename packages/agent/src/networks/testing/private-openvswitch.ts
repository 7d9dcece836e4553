/**
 * A real Open vSwitch of its own for a test: ovsdb-server and ovs-vswitchd (userspace datapath) in namespaces of
 * their own, with one uplink "eth1" whose other end, "wire", is up.
 */
import { existsSync } from "node:fs";
import { PrivateNamespace, namespaceObstacle } from "./private-namespace.ts";

const SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema";

/** Why there can be no private Open vSwitch here; undefined: there can. */
export function openvswitchObstacle(): string | undefined {
  const programs = ["ovsdb-tool", "ovsdb-server", "ovs-vswitchd", "ovs-vsctl", "ovs-appctl"];
  const obstacle = namespaceObstacle(programs);
  if (obstacle !== undefined) return obstacle;
  return existsSync(SCHEMA) ? undefined : `${SCHEMA} is missing`;
}

export const UPLINK_MTU = 1600;

const SCRIPT = `
run=/run/openvswitch
mkdir -p $run
ip link add eth1 mtu ${String(UPLINK_MTU)} type veth peer name wire mtu ${String(UPLINK_MTU)}
ip link set wire up
ip link set eth1 up
ovsdb-tool create $run/conf.db ${SCHEMA}
ovsdb-server $run/conf.db --remote=punix:$run/db.sock --pidfile=$run/ovsdb-server.pid \
  --log-file=$run/ovsdb-server.log --detach --no-chdir -vconsole:off
ovs-vsctl --no-wait init
ovs-vswitchd unix:$run/db.sock --pidfile=$run/ovs-vswitchd.pid \
  --log-file=$run/ovs-vswitchd.log --detach --no-chdir -vconsole:off
`;

export const startOpenvswitch = (): Promise<PrivateNamespace> => PrivateNamespace.start(SCRIPT);

/** Ends a daemon for good. */
export async function endDaemon(
  openvswitch: PrivateNamespace,
  daemon: "ovsdb-server" | "ovs-vswitchd",
): Promise<void> {
  // Its control socket is named for its process id inside its own namespace.
  const id = (await openvswitch.run(`cat /run/openvswitch/${daemon}.pid`)).trim();
  await openvswitch.run(`ovs-appctl --target=/run/openvswitch/${daemon}.${id}.ctl exit`);
}
