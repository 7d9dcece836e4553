#!/bin/sh
# /init of the tiny guest (busybox sh).
#
# Kernel command line:
#   name=N             what it calls itself; default vm-XXYYZZ, the last three bytes of its first MAC
#   addr=A/LEN[,B/LEN] address of the first NIC, of the second, ...; addr=dhcp asks on the first
#   gw=G               default gateway
#   chk=MB dirty=MB/s  see labguest.c
# (not mem= or ip=: the kernel takes those for itself.)
# A NoCloud seed disk (label cidata) overrides name, addr and gw.
# Without either the first NIC gets 10.X.Y.Z/8, X.Y.Z being the last three bytes of its MAC.
export PATH=/bin:/sbin:/usr/bin:/usr/sbin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tmpfs tmpfs /run
exec </dev/console >/dev/console 2>&1

load_drivers() {
  # All of them: there is no udev here, and devices may be plugged in later.
  modprobe -a virtio_pci virtio_net virtio_blk virtio_scsi button evdev
  # Twice: virtio devices appear on their own bus once virtio_pci is there.
  for _ in 1 2; do
    cat /sys/bus/*/devices/*/modalias 2>/dev/null | sort -u | while read -r alias; do modprobe -q "$alias"; done
  done
}

read_command_line() {
  name='' addr='' gw='' chk=8 dirty=0
  for word in $(cat /proc/cmdline); do
    case $word in
      name=*) name=${word#*=} ;;
      addr=*) addr=${word#*=} ;;
      gw=*) gw=${word#*=} ;;
      chk=*) chk=${word#*=} ;;
      dirty=*) dirty=${word#*=} ;;
    esac
  done
}

seed_device() {
  # A CD may need a moment after its driver is there.
  for _ in 1 2 3 4; do
    findfs LABEL=cidata 2>/dev/null || findfs LABEL=CIDATA 2>/dev/null || labelled cidata && return
    [ -e /sys/class/block/sr0 ] || [ -e /sys/class/block/vdb ] || return
    sleep 0.5
  done
}

read_seed() {
  seed=$(seed_device)
  [ -n "$seed" ] || return
  modprobe -q isofs
  mount -r "$seed" /mnt || return
  found=$(sed -n 's/^local-hostname: *//p' /mnt/meta-data | tr -d '"')
  name=${found:-$name}
  found=$(grep -oE '[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+/[0-9]+' /mnt/network-config 2>/dev/null | head -n 1)
  addr=${found:-$addr}
  found=$(sed -n 's/.*\(gateway4\|via\|gateway\): *//p' /mnt/network-config 2>/dev/null | head -n 1 | tr -d '"')
  gw=${found:-$gw}
  umount /mnt
}

apply_mac_rule() {
  mac=$(cat /sys/class/net/eth0/address 2>/dev/null)
  last=${mac#??:??:??:}
  name=${name:-vm-$(echo "${last:-000000}" | tr -d :)}
  if [ -z "$addr" ] && [ -n "$mac" ]; then
    addr=10.$((0x${last%%:*})).$((0x$(echo "$last" | cut -d: -f2))).$((0x${last##*:}))/8
  fi
}

set_up_network() {
  hostname "$name"
  ip link set lo up
  for device in /sys/class/net/eth*; do
    [ ! -e "$device" ] || ip link set "${device##*/}" up
  done
  if [ "$addr" = dhcp ]; then
    udhcpc -i eth0 -n -q -t 5 -s /bin/udhcpc.sh &
  else
    index=0
    for address in $(echo "$addr" | tr , ' '); do
      ip addr add "$address" dev "eth$index"
      index=$((index + 1))
    done
  fi
  if [ -n "$gw" ]; then ip route add default via "$gw"; fi
}

# labelled LABEL: the CD with this label. busybox' findfs knows no ISO images.
labelled() {
  for _ in 1 2 3 4; do
    for device in /dev/sr*; do
      [ "$(dd if="$device" bs=1 skip=32808 count=32 2>/dev/null | tr -d ' \0')" != "$1" ] || echo "$device"
    done | head -n 1 | grep . && return
    [ -e /sys/class/scsi_host/host0 ] || return
    sleep 0.5
  done
}

# What a context tells: the script of the first boot, as cloud-init's or StratusLab's guests come by it.
run_first_boot() {
  modprobe -q isofs
  seed=$(labelled _STRATUSLAB)
  if [ -n "$seed" ]; then
    mount -r "$seed" /mnt && . /mnt/init.sh
    umount /mnt
    return
  fi
  seed=$(labelled cidata)
  [ -n "$seed" ] && mount -r "$seed" /mnt || return
  sed -n '/filename="zz-muster-first-boot"/,/^--/p' /mnt/user-data | sed -e '1,/^$/d' -e '/^--/d' | base64 -d >/run/first-boot
  umount /mnt
  [ ! -s /run/first-boot ] || sh /run/first-boot >/dev/null 2>&1 &
}

start_agent() {
  for port in /sys/class/virtio-ports/vport*; do
    [ "$(cat "$port/name" 2>/dev/null)" = org.qemu.guest_agent.0 ] || continue
    qemu-ga -m virtio-serial -p "/dev/${port##*/}" -t /run -f /run/qga.pid >/dev/null 2>&1 &
  done
}

load_drivers
read_command_line
read_seed
apply_mac_rule
set_up_network
acpid -l /dev/null
start_agent
run_first_boot
echo "GUEST-UP name=$name addr=$addr kernel=$(uname -r) seconds=$(cut -d' ' -f1 /proc/uptime)"
# A root shell on the serial console.
(while :; do
  setsid sh -c 'exec sh </dev/ttyS0 >/dev/ttyS0 2>&1'
  sleep 1
done) &
exec labguest "name=$name" "chk=$chk" "dirty=$dirty"
