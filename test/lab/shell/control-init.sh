#!/bin/bash
# pid 1 of ctl, the machine that runs the coordinator and the clients: management network, own /etc/hosts, no libvirt.
# control-init.sh DIRECTORY RECORD
set -eu
directory=$1
record=$2
hostname ctl
mount --bind "$directory/ctl/hosts" /etc/hosts
umount -R /sys
mount -t sysfs sysfs /sys
ip link set lo up
touch "$directory/ctl/ready"
while [ -e "$record" ]; do sleep 5 & wait $! || true; done
