#!/bin/bash
# pid 1 of the fabric: the two switches that join the hosts, and the shared storage ("NAS").
# fabric-init.sh DIRECTORY RECORD
set -eu
directory=$1
record=$2

ip link set lo up
# Plain bridges pass tagged frames; the hosts' own switches do the VLANs.
for bridge in mgmt data; do
  ip link add "$bridge" type bridge forward_delay 0 mcast_snooping 0
  ip link set "$bridge" up
done

# One FUSE mount whose type reads fuse.glusterfs, inherited by every host: libvirt takes it for shared
# storage, so live migration needs no --unsafe, and QEMU's image locks work between the hosts.
bindfs -f -o subtype=glusterfs,allow_other,default_permissions "$directory/shared" "$directory/nas" &
echo $! >"$directory/fabric/bindfs.pid"
until mountpoint -q "$directory/nas"; do
  kill -0 $! || { echo "bindfs ended"; exit 1; }
  sleep 0.02
done
touch "$directory/fabric/ready"

# bash as pid 1 reaps. Without its record the lab is gone: end, and the whole fabric with it.
while [ -e "$record" ]; do sleep 5 & wait $! || true; done
