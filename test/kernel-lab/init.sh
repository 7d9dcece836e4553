#!/bin/busybox sh
# /init of the kernel lab's machine: mounts Node (/dev/vda) at /node, unpacks the job (/dev/vdb, a tar) into /job,
# says on the second serial port that it begins, runs /job/run and says its exit code there, where no program's
# output can be taken for it.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp LANG=C.UTF-8
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /tmp
exec </dev/console >/dev/console 2>&1
stty -F /dev/ttyS0 raw -echo
modprobe -a virtio_pci virtio_blk virtio_net isofs bridge 8021q veth tun vxlan
# Otherwise these two make bond0 and dummy0 on their own.
modprobe dummy numdummies=0
modprobe bonding max_bonds=0
ip link set lo up
mkdir -p /node /job
until [ -b /dev/vda ] && [ -b /dev/vdb ]; do sleep 0.05; done
mount -r -t iso9660 /dev/vda /node && ln -s /node/bin/node.sh /usr/bin/node
echo begin >/dev/ttyS1
tar -x -f /dev/vdb -C /job && cd /job && /job/run
echo "exit=$? uptime=$(cut -d' ' -f1 /proc/uptime)" >/dev/ttyS1
sync
poweroff -f
