#!/bin/sh
# Builds the tiny guest into the directory $1 from the kernel in the directory $2 (see kernel/fetch.sh):
#   vmlinuz, initrd.gz   to boot by kernel
#   disk.qcow2           the same as a disk that a BIOS boots; meant as the base of overlays
set -eu
out=$1
kernel=$2
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../kernel/ramdisk.sh"
mkdir -p "$out"
root=$out/root
busybox_tree "$root"
add_modules "$root" "$kernel" virtio_pci virtio_net virtio_blk virtio_console virtio_balloon virtio_scsi virtio_rng \
  sd_mod sr_mod isofs button evdev 8021q

gcc -O2 -static -Wall -Wextra -Werror -o "$root/bin/labguest" "$here/labguest.c"
install -m 755 "$here/init.sh" "$root/init"
install -m 755 "$here/udhcpc.sh" "$root/bin/udhcpc.sh"

# The guest agent comes straight from its package: it is of no use on this machine.
fetch_agent() { (cd "$out" && apt-get -q -o APT::Sandbox::User=root download qemu-guest-agent >&2); }
fetch_agent || { apt-get -q update >&2 && fetch_agent; }
dpkg-deb -x "$out"/qemu-guest-agent_*.deb "$out/agent"
rm -f "$out"/qemu-guest-agent_*.deb
add_program "$root" "$out/agent/usr/sbin/qemu-ga" /usr/sbin/qemu-ga

# ACPI power button, and what the guest agent calls for guest-shutdown.
mkdir -p "$root/etc/acpi/PWRF"
printf '#!/bin/sh\nsync\npoweroff -f\n' >"$root/etc/acpi/PWRF/00000080"
printf '#!/bin/sh\nsync\ncase $* in *-r*) exec /bin/reboot -f ;; *) exec /bin/poweroff -f ;; esac\n' >"$root/sbin/shutdown"
chmod 755 "$root/etc/acpi/PWRF/00000080" "$root/sbin/shutdown"

cp "$kernel/vmlinuz" "$out/vmlinuz"
pack "$root" "$out/initrd.gz"
rm -rf "$root" "$out/agent"

# The disk: 96 MiB, one active FAT16 partition of 40 MiB at 1 MiB with syslinux. The workload writes to its second half.
raw=$out/disk.raw
truncate -s 96M "$raw"
printf '2048,81920,6,*\n' | sfdisk -q "$raw" >&2
mformat -i "$raw@@1M" -T 81920 -h 64 -s 32 -H 2048 ::
mcopy -i "$raw@@1M" "$out/vmlinuz" ::vmlinuz
mcopy -i "$raw@@1M" "$out/initrd.gz" ::initrd.gz
printf 'SERIAL 0 115200\nDEFAULT lab\nPROMPT 0\nLABEL lab\n KERNEL vmlinuz\n INITRD initrd.gz\n APPEND console=ttyS0 quiet\n' |
  mcopy -i "$raw@@1M" - ::syslinux.cfg
syslinux --offset $((2048 * 512)) --install "$raw"
dd if=/usr/lib/syslinux/mbr/mbr.bin of="$raw" conv=notrunc bs=440 count=1 status=none
qemu-img convert -O qcow2 "$raw" "$out/disk.qcow2"
rm -f "$raw"
