#!/bin/bash
# pid 1 of a host: makes its file tree private, waits for its network cards, starts its switch and libvirtd.
# host-init.sh DIRECTORY NAME RECORD
# Environment: LAB_QEMU_ROOT, where a QEMU to use instead of the installed one is unpacked; empty: none.
set -eu
directory=$1
name=$2
record=$3
home=$directory/$name
here=$(dirname "$0")

# graft OUTER OWN...: puts the host's own directory over OUTER. It has its own OWN entries (shell patterns);
# everything else that OUTER holds (the checkout that runs in the host may lie there) stays visible in it.
graft() {
  local outer=$1 entry name own
  shift
  for entry in "$outer"/* "$outer"/.[!.]*; do
    name=${entry##*/}
    for own in "$@"; do
      # shellcheck disable=SC2053 # a pattern on purpose
      [[ $name != $own ]] || continue 2
    done
    if [ -L "$entry" ]; then cp -afT "$entry" "$home$entry"; continue; fi
    [ -e "$entry" ] || continue
    if [ -d "$entry" ]; then mkdir -p "$home$entry"; else : >>"$home$entry"; fi
    mount --rbind "$entry" "$home$entry"
  done
  mount --rbind "$home$outer" "$outer"
}

private_files() {
  umount -R /sys
  mount -t sysfs sysfs /sys # of our own network namespace; no cgroups are visible
  mount -t tmpfs tmpfs /dev/shm
  mount --bind "$home/etc" /etc
  mount --bind "$home/run" /run
  mount --bind "$home/var/log" /var/log
  mount --bind "$home/var/cache/libvirt" /var/cache/libvirt
  graft /var/lib libvirt openvswitch 'muster*'
  graft /srv shared local
  mount --bind "$directory/nas" /srv/shared
}

# A read-only regular file over /dev/kvm, so that libvirt does not advertise VMs of type kvm. Not /dev/null:
# libvirt probes QEMU anew, for seconds, as long as it may write to /dev/kvm and kvm does not work.
hide_kvm() {
  [ -e /dev/kvm ] || return 0
  : >/run/no-kvm
  mount --bind /run/no-kvm /dev/kvm
  mount -o remount,bind,ro /dev/kvm
}

use_qemu() {
  local path
  [ -n "${LAB_QEMU_ROOT:-}" ] || return 0
  for path in /usr/bin/qemu-{system-x86_64,system-i386,img,nbd,io,storage-daemon} /usr/share/qemu /usr/lib/x86_64-linux-gnu/qemu; do
    if [ -e "$path" ] && [ -e "$LAB_QEMU_ROOT$path" ]; then mount --bind "$LAB_QEMU_ROOT$path" "$path"; fi
  done
}

private_files
hide_kvm
use_qemu
mkdir -p /run/libvirt /run/lock /run/openvswitch
hostname "$name"
ip link set lo up
touch /run/lab-files-ready
until [ -e /run/lab-network-ready ]; do
  [ -e "$record" ] || exit 1
  sleep 0.02
done
"$here/host-switch.sh"
"$here/host-libvirtd.sh" start
touch /run/lab-ready

# bash as pid 1 reaps QEMU, a daemonised grandchild of libvirtd. Without its record the host has been
# taken out of the lab: end, and everything in it ends.
while [ -e "$record" ]; do sleep 5 & wait $! || true; done
