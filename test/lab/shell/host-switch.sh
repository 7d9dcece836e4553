#!/bin/bash
# Starts Open vSwitch with the userspace datapath (no kernel module) in a host: br0, with eth1 as its trunk.
set -eu
mkdir -p /var/log/openvswitch /run/openvswitch /etc/openvswitch /var/lib/openvswitch
database=/var/lib/openvswitch/conf.db
[ -e "$database" ] || ovsdb-tool create "$database" /usr/share/openvswitch/vswitch.ovsschema
ovsdb-server "$database" --remote=punix:/run/openvswitch/db.sock --pidfile=/run/openvswitch/ovsdb-server.pid \
  --log-file=/var/log/openvswitch/ovsdb-server.log --detach -vconsole:off
ovs-vsctl --no-wait init
# Packets of virtio guests carry a partial checksum. Without this the userspace datapath drops their TCP and
# UDP (ping works!). Read when vswitchd starts.
ovs-vsctl --no-wait set Open_vSwitch . other_config:userspace-tso-enable=true
ovs-vswitchd unix:/run/openvswitch/db.sock --pidfile=/run/openvswitch/ovs-vswitchd.pid \
  --log-file=/var/log/openvswitch/ovs-vswitchd.log --detach -vconsole:off
ovs-vsctl --may-exist add-br br0 -- set bridge br0 datapath_type=netdev -- --may-exist add-port br0 eth1
ip link set br0 up
