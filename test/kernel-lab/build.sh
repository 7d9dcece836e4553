#!/bin/sh
# Builds the kernel lab's machine into the directory $1, from the kernel in the directory $2 (see lab/kernel/fetch.sh)
# and the Node program $3:
#   vmlinuz, initrd.gz   Debian's kernel with the network modules, busybox, dash, iproute2
#   node.iso             Node and its libraries. A disk, because unpacking it from a ramdisk costs the emulated
#                        machine seconds and memory, and Node reads only part of itself
set -eu
out=$1
kernel=$2
node=$3
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lab/kernel/ramdisk.sh"
mkdir -p "$out"

root=$out/root
busybox_tree "$root"
add_modules "$root" "$kernel" virtio_pci virtio_blk virtio_net isofs \
  bridge br_netfilter 8021q bonding dummy veth tun vxlan macvlan macvtap nf_tables
for program in ip bridge tc; do
  rm -f "$root/bin/$program"
  add_program "$root" "$(command -v "$program")" "/usr/sbin/$program"
done
# Makes a program in a pipe say each line at once (stdbuf's library).
cp "$(find /usr/libexec/coreutils /usr/lib -name libstdbuf.so 2>/dev/null | head -n 1)" "$root/lib/libstdbuf.so"
mkdir -p "$root/etc/iproute2"
for names in /etc/iproute2 /usr/share/iproute2; do
  if [ -d "$names" ]; then cp -a "$names/." "$root/etc/iproute2/"; fi
done
# The shell of Debian's busybox prefers its own applets to programs of the same name (its `ip` knows no bridges).
rm "$root/bin/sh"
add_program "$root" "$(command -v dash)" /bin/sh
install -m 755 "$here/init.sh" "$root/init"
cp "$kernel/vmlinuz" "$out/vmlinuz"
pack "$root" "$out/initrd.gz"

disk=$out/disk
mkdir -p "$disk/bin" "$disk/lib"
cp -L "$node" "$disk/bin/node"
ldd "$node" | grep -o '/[^ ]*' | sort -u | while read -r library; do cp -L "$library" "$disk/lib/"; done
loader=$(ldd "$node" | grep -o '/[^ ]*ld-linux[^ ]*')
# Started by its own loader, Node finds its libraries on the disk and not those of the ramdisk.
printf '#!/bin/sh\nexec /node/lib/%s --library-path /node/lib /node/bin/node "$@"\n' "${loader##*/}" >"$disk/bin/node.sh"
chmod 755 "$disk/bin/node.sh"
genisoimage -quiet -output "$out/node.iso" -volid node -rock "$disk"
rm -rf "$root" "$disk"
