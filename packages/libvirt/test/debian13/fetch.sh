#!/bin/sh
# Unpacks, without installing it, a Debian 13 with libvirt 11, its drivers, QEMU and polkit into the directory $1, for
# tests of a libvirt newer than the machine's. 58 MB to download.
#
# The machine's apt configuration is read (which mirror, which keys) but not changed: lists, status and archives of
# this apt are its own, and so the packages' dependencies are all fetched, the C library among them.
set -eu
out=$1
work=$out.apt
mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$out"
: >"$work/status"

mirror=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Created-By: Packages' |
  awk '$2 == "bookworm" || $2 == "trixie" { print $1; exit }')
[ -n "$mirror" ] || { echo "apt knows no Debian mirror: cannot fetch Debian 13's libvirt" >&2; exit 1; }
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror trixie main" >"$work/sources.list"

apt() {
  apt-get -q -y -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=/dev/null \
    -o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null -o APT::Default-Release= \
    -o Dir::State::lists="$work/lists" -o Dir::State::status="$work/status" -o Dir::Cache="$work/cache" \
    -o Debug::NoLocking=true -o APT::Sandbox::User=root -o APT::Architecture=amd64 "$@"
}
apt update >&2
apt install --download-only --no-install-recommends libvirt-daemon libvirt-daemon-driver-qemu \
  libvirt-daemon-driver-network libvirt-daemon-driver-storage libvirt-daemon-driver-secret \
  libvirt-daemon-driver-nodedev libvirt-daemon-driver-nwfilter libvirt-daemon-driver-interface \
  libvirt-daemon-config-nwfilter libvirt-daemon-system libvirt-clients qemu-system-x86 qemu-utils polkitd dbus \
  bash coreutils grep sed util-linux mount iproute2 procps nftables iptables dnsmasq-base >&2
for package in "$work"/cache/archives/*.deb; do dpkg-deb -x "$package" "$out"; done
rm -rf "$work"

# What the packages' installation scripts would have made.
cp "$out/usr/share/base-passwd/passwd.master" "$out/etc/passwd"
cp "$out/usr/share/base-passwd/group.master" "$out/etc/group"
for user in "messagebus 990" "polkitd 991" "libvirt-qemu 992" "libvirt 993" "kvm 994"; do
  set -- $user
  echo "$1:x:$2:$2::/:/bin/sh" >>"$out/etc/passwd"
  echo "$1:x:$2:" >>"$out/etc/group"
done
cp -n "$out"/usr/share/libvirt/nwfilter/*.xml "$out/etc/libvirt/nwfilter/"
cp /etc/nsswitch.conf /etc/hosts "$out/etc/"
echo 0123456789abcdef0123456789abcdef >"$out/etc/machine-id"
